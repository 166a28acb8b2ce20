// SPDX-License-Identifier: MIT
// One arm of a concat as a step: its channels of the joined tensor. Knows no net and no other arm.
#pragma once

#include <mpar/layers/channels.hpp>

namespace mpar {

/// y[n, from + c, h, w] = x[n, c, h, w]; y's other channels are other arms'. Cut channels of an arm
/// are gathered once, in place of the growing whole at each of its readers.
constexpr operation arm_of_concat(int from) {
    operation o;
    o.kind = op::channels;
    o.name = "concat: an arm";
    o.shift = -from;
    o.mixes_channels = true;
    return o;
}

}  // namespace mpar
