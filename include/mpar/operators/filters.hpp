// SPDX-License-Identifier: MIT
// The filters of a convolution or dense layer, as both describe them. Knows no kernel.
#pragma once

#include <mpar/kernels/convolution.hpp>
#include <mpar/operators/index_map.hpp>
#include <mpar/operators/misfit.hpp>
#include <mpar/operators/traits.hpp>

namespace mpar {

/// y[o] = sum over the channels of o's group and the window of x * filter[o], plus bias[o].
struct filters {
    int in = 1, out = 1, groups = 1;
    sliding window{};
    bool bias = false;

    constexpr int in_per_group() const { return in / groups; }
    constexpr int taps() const { return window.h.kernel * window.w.kernel; }
    /// One filter a channel.
    constexpr bool is_depthwise() const { return groups > 1 && groups == in && in == out; }
    constexpr bool operator==(const filters&) const = default;

    constexpr index_map reads() const {
        index_map a{.window = window, .channels = channel_map::all};
        if (is_depthwise()) {
            a.channels = channel_map::same;
        } else if (groups > 1) {
            a.channels = channel_map::grouped;
            a.group_inputs = in / groups;
            a.group_outputs = out / groups;
        }
        return a;
    }
    constexpr long flops(const box& y) const { return 2 * y.count() * in_per_group() * taps(); }

    constexpr complaint refuses(const shape& x) const {
        if (in != x.c) return {misfit::channels, in, x.c};
        if (in % groups || out % groups) return {misfit::groups, groups, in % groups ? in : out};
        return {};
    }

    /// The kernel's view of a rank's part `y`.
    constexpr convolution problem(range in_channels, const box& y, int tile) const {
        convolution c{window, in, out, groups, in_channels, y.c, {}};
        if (tile) c.how = {tile, y.h.lo % tile, y.w.lo % tile};
        return c;
    }
};

}  // namespace mpar
