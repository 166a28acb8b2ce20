// SPDX-License-Identifier: MIT
// The mean of each channel, in two phases so that cut rows give the same bits. Knows no net.
#pragma once

#include <mpar/layers/layer.hpp>

namespace mpar {

/// y[n, c] = sum over i, j of x[n, c, i, j] / (H*W); each row is summed first, then the rows in
/// order.
///
/// x [N, C, H, W] -> y [N, C, 1, 1]. With cut rows the N*C*H row sums are gathered instead of x.
struct global_avg_pool {
    static constexpr operation describe() {
        return {global_avg_pool_op{}, name_of<global_avg_pool>()};
    }
};

}  // namespace mpar
