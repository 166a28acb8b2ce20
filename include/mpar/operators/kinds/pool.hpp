// SPDX-License-Identifier: MIT
// Pooling over windows, exact across cuts. Knows no net; its arithmetic is the backend's.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// x [N, C, H, W] -> y [N, C, H', W'] over windows.
struct pool_op : takes_anything, has_no_parameters {
    sliding window;
    bool same_padding = false;

    constexpr void resolve(shapes x) {
        if (same_padding) pad_same(window, x.front());
    }
    constexpr shape output(shapes x) const { return slid(window, x[0], x[0].c); }
    constexpr index_map reads(int) const { return {.window = window}; }
    constexpr long flops(const box& y, const shape&) const {
        return y.count() * window.h.kernel * window.w.kernel;
    }
    static constexpr traits is() { return {}; }
};

/// y = the greatest element of each window; padding never wins, NaN does.
struct max_pool_op : pool_op {
    template <class Backend, class T>
    void run(const activation&, const arguments<Backend, T>& a) const {
        Backend::max_pool(a.queue, window, a.padding, a.x, a.y);
    }
};

/// y = the mean of each window.
struct avg_pool_op : pool_op {
    bool count_padding = true;  ///< divides by the whole window

    template <class Backend, class T>
    void run(const activation&, const arguments<Backend, T>& a) const {
        Backend::avg_pool(a.queue, window, a.padding, count_padding, a.x, a.y);
    }
};

}  // namespace mpar
