// SPDX-License-Identifier: MIT
// Two-dimensional convolution. Knows no net; its arithmetic is the backend's.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// y[n, o, i, j] = sum over c, k, l of x[n, c, s*i - p + d*k, s*j - p + d*l] * w[o, c, k, l] (+
/// b[o])
///
/// x [N, In, H, W], w [Out, In/groups, Kh, Kw], y [N, Out, H', W'] with H' = (H + p - d(K-1) - 1)/s
/// + 1.
struct conv2d_op {
    filters of;
    bool same_padding = false;  ///< padding is worked out so that out = ceil(in / stride)

    static constexpr traits is() {
        return {.weights = packed_as::filters,
                .has_epilogue = true,
                .has_filters = true,
                .takes_image_blocks = true};
    }
    constexpr void resolve(shapes x) {
        if (same_padding) pad_same(of.window, x.front());
    }
    constexpr complaint refuses(shapes x) const { return of.refuses(x.front()); }
    constexpr shape output(shapes x) const {
        return slid(of.window, x.front(), of.out);
    }
    constexpr index_map reads(int) const { return of.reads(); }
    constexpr long flops(const box& y, const shape&) const { return of.flops(y); }
    template <class Sink>
    constexpr void parameters(Sink& to) const {
        to.add({role::filters,
                "weight",
                {of.out, of.in / of.groups, of.window.h.kernel, of.window.w.kernel},
                4,
                cut_as::outputs,
                cut_as::summed});
        if (of.bias) to.add({role::bias, "bias", {of.out}, 1, cut_as::outputs});
    }
    template <class Backend, class T>
    void run(const activation& act, const arguments<Backend, T>& a) const {
        convolution c = of.problem(a.from.c, a.where, a.tile);
        c.padding = a.padding;
        Backend::conv2d(a.queue, c, a.x, a.weights, a.bias, epilogue<T>{act, a.residual}, a.y,
                        a.workspace);
    }
};

}  // namespace mpar
