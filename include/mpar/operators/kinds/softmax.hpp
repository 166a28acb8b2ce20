// SPDX-License-Identifier: MIT
// Probabilities over channels. Knows no net.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// y[n, c, i, j] = exp(x[n, c, i, j] - m) / sum over c of the same, m the greatest x over c.
struct softmax_op : keeps_extents, needs_no_shape, takes_anything, has_no_parameters {
    static constexpr traits is() { return {}; }
    static constexpr index_map reads(int) { return {.channels = channel_map::all}; }
    static constexpr long flops(const box& y, const shape&) { return 4 * y.count(); }
    template <class Backend, class T>
    static void run(const activation&, const arguments<Backend, T>& a) {
        Backend::softmax(a.queue, a.x, a.y);
    }
};

}  // namespace mpar
