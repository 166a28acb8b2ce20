// SPDX-License-Identifier: MIT
// The mean of each channel, in two phases so that cut rows give the same bits. Knows no net.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// y[n, c] = sum over i, j of x[n, c, i, j] / (H*W): becomes row_sums, then mean_rows. With cut rows
/// the N*C*H row sums are gathered in place of x.
struct global_avg_pool_op : needs_no_shape, takes_anything, has_no_parameters, has_no_kernel {
    static constexpr traits is() { return {.rides = riding::phases}; }
    static constexpr shape output(shapes x) { return {x[0].n, x[0].c, 1, 1}; }
    static constexpr index_map reads(int) { return {.all_rows = true, .all_columns = true}; }
    static constexpr long flops(const box& y, const shape& x) { return y.count() * x.h * x.w; }
};

/// [N, C, H, W] -> [N, C, H, 1].
struct row_sums_op : needs_no_shape, takes_anything, has_no_parameters {
    static constexpr traits is() { return {}; }
    static constexpr shape output(shapes x) { return {x[0].n, x[0].c, x[0].h, 1}; }
    static constexpr index_map reads(int) { return {.all_columns = true}; }
    static constexpr long flops(const box& y, const shape& x) { return y.count() * x.w; }
    template <class Backend, class T>
    static void run(const activation&, const arguments<Backend, T>& a) {
        Backend::row_sums(a.queue, a.x, a.y);
    }
};

/// [N, C, H, 1] -> [N, C, 1, 1].
struct mean_rows_op : needs_no_shape, takes_anything, has_no_parameters {
    double divisor = 1;  ///< rows times columns of the image

    static constexpr traits is() { return {}; }
    static constexpr shape output(shapes x) { return {x[0].n, x[0].c, 1, 1}; }
    static constexpr index_map reads(int) { return {.all_rows = true, .all_columns = true}; }
    static constexpr long flops(const box& y, const shape& x) { return y.count() * x.h; }
    template <class Backend, class T>
    void run(const activation&, const arguments<Backend, T>& a) const {
        Backend::mean_rows(a.queue, divisor, a.x, a.y);
    }
};

}  // namespace mpar
