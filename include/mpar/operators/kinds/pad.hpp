// SPDX-License-Identifier: MIT
// Rows and columns around an image. Knows no net; its loops are the backend's.
#pragma once

#include <mpar/kernels/border.hpp>
#include <mpar/operators/answers.hpp>

namespace mpar {

/// y = x with `margin` more rows and columns around it, filled as `how` says.
///
/// x [N, C, H, W] -> y [N, C, H + top + bottom, W + left + right].
struct pad_op : needs_no_shape, has_no_parameters {
    clip margin;
    border how;

    static constexpr traits is() { return {}; }
    constexpr complaint refuses(shapes x) const {
        if (how.with != border::kind::reflect) return {};
        const int rows = std::max(margin.top, margin.bottom);
        const int columns = std::max(margin.left, margin.right);
        if (rows >= x[0].h) return {misfit::mirror, rows, x[0].h};
        if (columns >= x[0].w) return {misfit::mirror, columns, x[0].w};
        return {};
    }
    constexpr shape output(shapes x) const {
        return {x[0].n, x[0].c, x[0].h + margin.top + margin.bottom,
                x[0].w + margin.left + margin.right};
    }
    constexpr index_map reads(int) const {
        return {.window = {{.before = margin.top, .after = margin.bottom},
                           {.before = margin.left, .after = margin.right}},
                .beyond = how.with == border::kind::reflect ? outside::mirrored : outside::clamped};
    }
    static constexpr long flops(const box&, const shape&) { return 0; }
    template <class Backend, class T>
    void run(const activation&, const arguments<Backend, T>& a) const {
        const border_line rows{a.where.h.lo - margin.top, a.from.h.lo, a.whole.h};
        const border_line columns{a.where.w.lo - margin.left, a.from.w.lo, a.whole.w};
        Backend::pad(a.queue, how, rows, columns, a.x, a.y);
    }
};

}  // namespace mpar
