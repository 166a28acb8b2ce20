// SPDX-License-Identifier: MIT
// Sums and products of two tensors. Knows no net.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// y = x + second, of equal extents, then the activation: where no step before can add it at its end.
struct add_op : keeps_extents, reads_same_place, needs_no_shape, has_no_parameters {
    static constexpr traits is() {
        return {.inputs = 2, .rides = riding::sum, .has_epilogue = true, .follows_second = true};
    }
    static constexpr complaint refuses(shapes x) {
        if (x[0].c != x[1].c) return {misfit::arms, x[0].c, x[1].c};
        if (x[0].h != x[1].h) return {misfit::arms, x[0].h, x[1].h};
        if (x[0].w != x[1].w) return {misfit::arms, x[0].w, x[1].w};
        return {};
    }
    static constexpr long flops(const box& y, const shape&) { return y.count(); }
    template <class Backend, class T>
    static void run(const activation& act, const arguments<Backend, T>& a) {
        Backend::add(a.queue, a.x, a.second, act, a.y);
    }
};

/// y = x * second, then the activation. Second has x's extents, or one row and column, whose channels
/// scale those of x: squeeze-and-excite's gate.
struct multiply_op : keeps_extents, has_no_parameters {
    bool is_per_channel = false;  ///< second is [N, C, 1, 1]

    static constexpr traits is() { return {.inputs = 2, .has_epilogue = true}; }
    constexpr void resolve(shapes x) {
        is_per_channel = x[1].h == 1 && x[1].w == 1 && (x[0].h != 1 || x[0].w != 1);
    }
    static constexpr complaint refuses(shapes x) {
        if (x[0].c != x[1].c) return {misfit::gate, x[0].c, x[1].c};
        if (x[1].h == 1 && x[1].w == 1) return {};
        if (x[0].h != x[1].h) return {misfit::gate, x[0].h, x[1].h};
        if (x[0].w != x[1].w) return {misfit::gate, x[0].w, x[1].w};
        return {};
    }
    constexpr index_map reads(int input) const {
        const bool gate = input == 1 && is_per_channel;
        return {.all_rows = gate, .all_columns = gate};
    }
    static constexpr long flops(const box& y, const shape&) { return y.count(); }
    template <class Backend, class T>
    static void run(const activation& act, const arguments<Backend, T>& a) {
        Backend::multiply(a.queue, a.x, a.second, act, a.y);
    }
};

}  // namespace mpar
