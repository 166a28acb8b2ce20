// SPDX-License-Identifier: MIT
// Moving and checking elements in runs as long as the layouts allow. Any block, any strides.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convert.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/kernels/pad_lanes.hpp>
#include <mpar/tensor/crew.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// y = x by whole rows or planes, where both have the same blocks and their pixels lie side by
/// side.
/// requires: the last block is full.
template <class T>
void copy_rows(crew& queue, const view<const T>& x, const view<T>& y) {
    const long row = y.extents.w * y.stride_w, rows = y.extents.h, planes = y.blocks();
    const bool joined = x.stride_h == row && y.stride_h == row;
    const long vectors = ceil_div(row * long(sizeof(T)), 64L);
    for_each_range(queue, y.extents.n * planes * rows, vectors, [&](long first, long last) {
        for (long r = first; r < last;) {
            const int n = int(r / rows / planes), block = int(r / rows % planes);
            const long h = r % rows, count = joined ? std::min(last - r, rows - h) : 1;
            std::memcpy(row_of(y, n, block, int(h)), row_of(x, n, block, int(h)),
                        static_cast<std::size_t>(count * row) * sizeof(T));
            r += count;
        }
    });
}

/// y = x for row h of image n, pixel by pixel, where both have three channels and y blocks of four.
template <class T>
void copy_pixels(const view<const T>& x, const view<T>& y, int n, int h) {
    const T *red = &x(n, 0, h, 0), *green = &x(n, 1, h, 0), *blue = &x(n, 2, h, 0);
    T* to = &y(n, 0, h, 0);
    const long step = x.stride_w, width = y.extents.w;
    for (long w = 0; w < width; ++w, to += 4) {
        const T pixel[4] = {red[w * step], green[w * step], blue[w * step]};
        std::memcpy(to, pixel, sizeof pixel);
    }
}

/// y = x, each element converted, whatever the blocks and strides of the two.
/// requires: the same extents; no overlap.
template <class S, class D>
void copy(crew& queue, view<S> x, view<D> y) {
    if (y.empty()) return;
    const shape& s = y.extents;
    if constexpr (std::is_same_v<std::remove_const_t<S>, D>) {
        const bool same = x.block == y.block && x.stride_w == x.block && y.stride_w == y.block;
        if (same && s.c % y.block == 0) return copy_rows<D>(queue, x, y);
    }
    if constexpr (std::is_same_v<const S, const float> && std::is_same_v<D, float>) {
        if (s.c == 3 && y.block == 4 && y.stride_w == 4) {  // an image
            return for_each_range(queue, long(s.n) * s.h, s.w, [&](long first, long last) {
                for (long r = first; r < last; ++r) {
                    copy_pixels<D>(x, y, int(r / s.h), int(r % s.h));
                }
            });
        }
    }
    const long work = long(s.c) * s.w;  // of single elements, each about a vector's
    for_each_range(queue, long(s.n) * s.h, work, [&](long first, long last) {
        for (long r = first; r < last; ++r) {
            const int n = int(r / s.h), h = int(r % s.h);
            for (int c = 0; c < s.c; ++c) {  // a row of y's block stays in L1 for all its channels
                const S* from = &x(n, c, h, 0);
                D* to = &y(n, c, h, 0);
                for (int w = 0; w < s.w; ++w) to[w * y.stride_w] = convert<D>(from[w * x.stride_w]);
            }
            clear_pad_lanes(y.part({{n, n + 1}, {0, s.c}, {h, h + 1}, {0, s.w}}));
        }
    });
}

/// y = x for channels [lo, hi) of row h of image n, which lie `shift` channels further on in x.
template <class T>
void copy_row_of_channels(const view<const T>& x, int shift, range channels, const view<T>& y,
                          int n, int h) {
    for (int c = channels.lo; c < channels.hi; ++c) {
        const T* from = &x(n, c + shift, h, 0);
        T* to = &y(n, c, h, 0);
        for (int w = 0; w < y.extents.w; ++w) to[w * y.stride_w] = from[w * x.stride_w];
    }
}

/// y[n, c, h, w] = x[n, c + shift, h, w] for the channels c of y that x has there; the others stay as
/// they are. The last block of y is filled up with zeros where its last channel is written. Whole
/// blocks go by rows or planes, the others channel by channel.
/// requires: x and y have the same images, rows and columns; no overlap.
template <class T>
void copy_channels(crew& queue, input_view<T> x, int shift, view<T> y) {
    const shape& s = y.extents;
    const range all{std::max(0, -shift), std::min(s.c, x.extents.c - shift)};
    if (x.empty() || y.empty() || all.empty()) return;
    const bool aligned = x.block == y.block && shift % y.block == 0 && all.lo % y.block == 0;
    const range whole_blocks{all.lo, aligned ? all.hi / y.block * y.block : all.lo};
    if (!whole_blocks.empty()) {
        box from = whole(x.extents), to = whole(s);
        from.c = {whole_blocks.lo + shift, whole_blocks.hi + shift};
        to.c = whole_blocks;
        copy<const T, T>(queue, x.part(from), y.part(to));
    }
    const range rest{whole_blocks.hi, all.hi};
    const bool ends = all.hi == s.c && s.c % y.block != 0;
    if (rest.empty() && !ends) return;
    for_each_range(queue, long(s.n) * s.h, long(rest.size()) * s.w, [&](long first, long last) {
        for (long r = first; r < last; ++r) {
            const int n = int(r / s.h), h = int(r % s.h);
            copy_row_of_channels<T>(x, shift, rest, y, n, h);
            if (ends) clear_pad_lanes(y.part({{n, n + 1}, {0, s.c}, {h, h + 1}, {0, s.w}}));
        }
    });
}

/// y[n, (c*H + h)*W + w, 0, 0] = x[n, c, h, w].
template <class T>
void flatten(crew& queue, input_view<T> x, view<T> y) {
    if (y.empty()) return;
    const shape& s = x.extents;
    const long rows = long(s.c) * s.h;  // of an image
    for_each_range(queue, s.n * rows, s.w, [&](long first, long last) {
        for (long r = first; r < last; ++r) {
            const int n = int(r / rows), k = int(r % rows) * s.w;
            const T* from = &x(n, int(r % rows / s.h), int(r % s.h), 0);
            T* to = &y(n, k, 0, 0);
            for (int w = 0, lane = k % y.block; w < s.w; ++w, from += x.stride_w) {
                *to++ = *from;
                if (++lane == y.block) lane = 0, to += y.stride_c - y.block;
            }
            if (r % rows == rows - 1) {
                clear_pad_lanes(y.part({{n, n + 1}, {0, y.extents.c}, {0, 1}, {0, 1}}));
            }
        }
    });
}

/// Zeroes what lies outside the rows and columns of `interior`, for all images and channels.
template <class T>
void clear_margin(crew& queue, view<T> all, const box& interior) {
    if (all.empty()) return;
    const range image_h{0, all.extents.h}, image_w{0, all.extents.w};
    const range rows = intersection(interior.h, image_h);
    const range columns = rows.empty() ? range{} : intersection(interior.w, image_w);
    const bool joined = all.stride_w == all.block, in_vectors = all.block % lanes<T> == 0;
    const auto clear = [&](T* from, T* end) {
        if (joined && in_vectors) {
            for (; from < end; from += lanes<T>) store<T>(from, vec<T>{});
        } else if (joined) {
            std::fill(from, end, T(0));
        } else {
            for (; from < end; from += all.stride_w) std::fill_n(from, all.block, T(0));
        }
    };
    const long left = columns.lo * all.stride_w, right = columns.hi * all.stride_w;
    const long row = all.extents.w * all.stride_w;
    for_each_rows(queue, all, 1, [&](int n, int block, range part) {
        for (int h = part.lo; h < part.hi; ++h) {
            T* const at = row_of(all, n, block, h);
            if (columns.empty() || h < rows.lo || h >= rows.hi) {
                clear(at, at + row);
            } else {
                clear(at, at + left);
                clear(at + right, at + row);
            }
        }
    });
}

/// Whether no element is NaN or infinite. Waits for the queue.
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
                for (int w = 0; w < s.w; ++w) {
                    const T v = row[w * x.stride_w];
                    all &= v - v == T(0);
                }
                if (!all) return false;
            }
        }
    }
    return true;
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
