// SPDX-License-Identifier: MIT
// Probabilities over channels. Knows no net.
#pragma once

#include <mpar/layers/layer.hpp>

namespace mpar {

/// y[n, c, i, j] = exp(x[n, c, i, j] - m) / sum over c of the same, m the greatest x over c.
/// Cut channels are gathered first.
struct softmax {
    static constexpr operation describe() {
        return {softmax_op{}, name_of<softmax>()};
    }
};

}  // namespace mpar
