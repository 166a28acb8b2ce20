// SPDX-License-Identifier: MIT
// Some of the channels that come, and the joining of several tensors' channels. Knows no net.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// y[n, c, h, w] = x[n, c + shift, h, w], where x has that channel; y's others are other steps'. What
/// is taken may lie where it came from, and what is joined where it goes: the plan sees to that.
struct channels_op : has_no_parameters {
    int shift = 0;  ///< from y's channels to x's; below zero: an arm of a concat
    int count = 0;  ///< of y; 0: all from shift on

    static constexpr traits is() { return {.moves_channels = true, .waits_for_halo = false}; }
    constexpr void resolve(shapes x) {
        if (count == 0) count = x[0].c - shift;
    }
    constexpr complaint refuses(shapes x) const {
        if (count >= 1 && shift + count <= x[0].c) return {};
        return {misfit::slice, shift + std::max(count, 1), x[0].c};
    }
    constexpr shape output(shapes x) const {
        return {x[0].n, count ? count : x[0].c, x[0].h, x[0].w};
    }
    constexpr index_map reads(int) const {
        return {.channels = channel_map::shifted, .shift = shift};
    }
    static constexpr long flops(const box&, const shape&) { return 0; }
    template <class Backend, class T>
    void run(const activation&, const arguments<Backend, T>& a) const {
        Backend::copy_channels(a.queue, a.x, a.where.c.lo + shift - a.from.c.lo, a.y);
    }
};

/// y = the channels of all inputs, in their order. Each becomes a step, an arm, that writes its own.
struct concat_op : needs_no_shape, has_no_parameters, has_no_kernel {
    static constexpr traits is() { return {.inputs = -1, .rides = riding::joining}; }
    static constexpr complaint refuses(shapes x) {
        for (const shape& arm : x) {
            if (arm.h != x[0].h) return {misfit::concat, x[0].h, arm.h};
            if (arm.w != x[0].w) return {misfit::concat, x[0].w, arm.w};
        }
        return {};
    }
    static constexpr shape output(shapes x) {
        shape y = x[0];
        for (const shape& arm : x.after_first()) y.c += arm.c;
        return y;
    }
    static constexpr index_map reads(int) { return {.channels = channel_map::shifted}; }
    static constexpr long flops(const box&, const shape&) { return 0; }
};

}  // namespace mpar
