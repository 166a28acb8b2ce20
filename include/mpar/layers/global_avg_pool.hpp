// SPDX-License-Identifier: MIT
// The mean of each channel, in two phases so that cut rows give the same bits. Knows no net.
#pragma once

#include <mpar/layers/arguments.hpp>
#include <mpar/layers/layer.hpp>

namespace mpar {

/// y[n, c] = sum over i, j of x[n, c, i, j] / (H*W); each row is summed first, then the rows in
/// order.
///
/// x [N, C, H, W] -> y [N, C, 1, 1]. With cut rows the N*C*H row sums are gathered instead of x.
struct global_avg_pool {
    static constexpr operation describe() {
        return detail::named<global_avg_pool>(op::global_avg_pool);
    }
};

/// The first phase: [N, C, H, W] -> [N, C, H, 1].
constexpr operation row_sums_phase() {
    operation o;
    o.kind = op::row_sums;
    o.name = "global_avg_pool: sums of rows";
    return o;
}

/// The second: [N, C, H, 1] -> [N, C, 1, 1]. `x`: the shape before the first.
constexpr operation mean_rows_phase(const shape& x) {
    operation o;
    o.kind = op::mean_rows;
    o.name = "global_avg_pool: mean of rows";
    o.mixes_rows = true;
    o.divisor = double(x.h) * x.w;
    return o;
}

template <class Backend, class T>
void forward_row_sums(const operation&, const arguments<Backend, T>& a) {
    Backend::row_sums(a.queue, a.x, a.y);
}

template <class Backend, class T>
void forward_mean_rows(const operation& o, const arguments<Backend, T>& a) {
    Backend::mean_rows(a.queue, o.divisor, a.x, a.y);
}

}  // namespace mpar
