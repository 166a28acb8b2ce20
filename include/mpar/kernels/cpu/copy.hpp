// SPDX-License-Identifier: MIT
// Moving and checking elements in runs as long as the layouts allow. Any block, any strides.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/convert.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/kernels/pad_lanes.hpp>
#include <mpar/tensor/crew.hpp>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// y = x for blocks that are the same in both, their pixels side by side: by whole rows, or planes.
/// requires: the last block is full.
template <class T>
void copy_rows(const view<const T>& x, const view<T>& y) {
    const shape& s = y.extents;
    const long row = s.w * y.stride_w;
    const bool planes = x.stride_h == row && y.stride_h == row;
    const long run = planes ? row * s.h : row;
    for (int n = 0; n < s.n; ++n) {
        for (int block = 0; block < y.blocks(); ++block) {
            for (int h = 0; h < (planes ? 1 : s.h); ++h) {
                const T* from = x.data + n * x.stride_n + block * x.stride_c + h * x.stride_h;
                T* to = y.data + n * y.stride_n + block * y.stride_c + h * y.stride_h;
                std::memcpy(to, from, static_cast<std::size_t>(run) * sizeof(T));
            }
        }
    }
}

/// y = x, each element converted, whatever the blocks and strides of the two.
/// requires: the same extents; no overlap.
template <class S, class D>
void copy(crew&, view<S> x, view<D> y) {
    if (y.empty()) return;
    const shape& s = y.extents;
    if constexpr (std::is_same_v<std::remove_const_t<S>, D>) {
        const bool same = x.block == y.block && x.stride_w == x.block && y.stride_w == y.block;
        if (same && s.c % y.block == 0) return copy_rows<D>(x, y);
    }
    for (int n = 0; n < s.n; ++n) {
        for (int h = 0; h < s.h; ++h) {
            for (int c = 0; c < s.c; ++c) {  // a row of y's block stays in L1 for all its channels
                const S* from = &x(n, c, h, 0);
                D* to = &y(n, c, h, 0);
                for (int w = 0; w < s.w; ++w) to[w * y.stride_w] = convert<D>(from[w * x.stride_w]);
            }
        }
    }
    clear_pad_lanes(y);
}

/// y[n, (c*H + h)*W + w, 0, 0] = x[n, c, h, w].
template <class T>
void flatten(crew&, input_view<T> x, view<T> y) {
    if (y.empty()) return;
    const shape& s = x.extents;
    for (int n = 0; n < s.n; ++n) {
        T* const image = y.data + n * y.stride_n;
        T* to = image;
        int lane = 0;
        for (int c = 0; c < s.c; ++c) {
            for (int h = 0; h < s.h; ++h) {
                const T* from = &x(n, c, h, 0);
                for (int w = 0; w < s.w; ++w) {
                    to[lane] = from[w * x.stride_w];
                    if (++lane == y.block) lane = 0, to += y.stride_c;
                }
            }
        }
    }
    clear_pad_lanes(y);
}

/// Zeroes what lies outside the rows and columns of `interior`, for all images and channels.
template <class T>
void clear_margin(crew&, view<T> all, const box& interior) {
    if (all.empty()) return;
    const range image_h{0, all.extents.h}, image_w{0, all.extents.w};
    const range rows = intersection(interior.h, image_h);
    const range columns = rows.empty() ? range{} : intersection(interior.w, image_w);
    const auto clear = [&](T* row, int from, int to) {
        for (int w = from; w < to; ++w) {
            for (int lane = 0; lane < all.block; ++lane) row[w * all.stride_w + lane] = T(0);
        }
    };
    for (int n = 0; n < all.extents.n; ++n) {
        for (int block = 0; block < all.blocks(); ++block) {
            T* row = all.data + n * all.stride_n + block * all.stride_c;
            for (int h = 0; h < all.extents.h; ++h, row += all.stride_h) {
                const bool crosses = rows.lo <= h && h < rows.hi && !columns.empty();
                clear(row, 0, crosses ? columns.lo : all.extents.w);
                if (crosses) clear(row, columns.hi, all.extents.w);
            }
        }
    }
}

/// False when an element is NaN or infinite. Waits for the queue.
template <class T>
bool finite(crew& queue, view<T> x) {
    queue.finish();
    if (x.empty()) return true;
    const shape& s = x.extents;
    for (int n = 0; n < s.n; ++n) {
        for (int c = 0; c < s.c; ++c) {
            for (int h = 0; h < s.h; ++h) {
                const T* row = &x(n, c, h, 0);
                bool all = true;
                for (int w = 0; w < s.w; ++w) all &= bool(std::isfinite(row[w * x.stride_w]));
                if (!all) return false;
            }
        }
    }
    return true;
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
