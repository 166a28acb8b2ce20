// SPDX-License-Identifier: MIT
// The end of a sum over channels that is cut between ranks. Knows no net and no message.
#pragma once

#include <mpar/layers/layer.hpp>

namespace mpar {

/// y = sum of the ranks' summands + bias, then residual and activation. `o`: what gave them.
constexpr operation sum_of_summands(const operation& o) {
    operation sum;
    sum.kind = op::reduce;
    sum.name = o.name;
    sum.bias = o.bias;
    return sum;
}

}  // namespace mpar
