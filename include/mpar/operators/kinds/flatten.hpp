// SPDX-License-Identifier: MIT
// Images as vectors. Knows no net.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// [N, C, H, W] -> [N, C*H*W] in the order c, h, w.
struct flatten_op : needs_no_shape, takes_anything, has_no_parameters {
    static constexpr traits is() { return {.rides = riding::vectors}; }
    static constexpr shape output(shapes x) {
        return {x[0].n, x[0].c * x[0].h * x[0].w, 1, 1};
    }
    static constexpr index_map reads(int) { return maps_everything(); }
    static constexpr long flops(const box&, const shape&) { return 0; }
    template <class Backend, class T>
    static void run(const activation&, const arguments<Backend, T>& a) {
        Backend::flatten(a.queue, a.x, a.y);
    }
};

}  // namespace mpar
