// SPDX-License-Identifier: MIT
// Pixels of a batch in one line, cut into blocks and tiles. Knows views, no kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/tensor/view.hpp>

#include <algorithm>
#include <cstring>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// The offsets in a view of the pixels of a batch, in n, h, w order.
struct pixel_strides {
    long n = 0, h = 0, w = 0;
};

template <class T>
pixel_strides strides_of(const view<T>& v, int stride_h = 1, int stride_w = 1) {
    return {v.stride_n, v.stride_h * stride_h, v.stride_w * stride_w};
}

/// How many numbers pixel_offsets writes at a time, and so may write beyond its end.
inline constexpr int offset_lanes = lanes<double>;

/// Writes the offsets of the pixels [begin, end) of images of h x w pixels.
/// requires: room for offset_lanes more at `at`.
inline void pixel_offsets(const pixel_strides& s, int h, int w, long begin, long end, long* at) {
    typedef long offsets __attribute__((vector_size(MPAR_VECTOR_BYTES)));
    static_assert(sizeof(long) == sizeof(double));
    offsets column{};
    for (int i = 0; i < offset_lanes; ++i) column[i] = i * s.w;
    int first = int(begin % w), row = int(begin / w % h);
    long image = begin / w / h * s.n;
    for (long left = end - begin; left > 0; first = 0) {
        const long count = std::min<long>(left, w - first);
        offsets next = column + (image + row * s.h + first * s.w);
        for (long i = 0; i < count; i += offset_lanes) {
            std::memcpy(at + i, &next, sizeof next);
            next += offset_lanes * s.w;
        }
        at += count;
        left -= count;
        if (++row < h) continue;
        row = 0;
        image += s.n;
    }
}

/// `count` things cut into `parts` whose sizes differ by one at most.
struct cutting {
    long count = 0, parts = 1;

    cutting(long things, long into) : count(things), parts(into) {}

    /// The first thing of part i; for i = parts, the end.
    long begin(long i) const { return count / parts * i + std::min(i, count % parts); }
};

/// Pixels cut into tiles of at most `largest`, balanced: a short tail would run with few
/// accumulators. Or all but the last of that size, where small tiles are as good.
struct tiling : cutting {
    int largest;
    bool balanced;

    tiling(long pixels, int size, bool evenly = true)
        : cutting(pixels, ceil_div<long>(pixels, size)), largest(size), balanced(evenly) {}

    /// Pixels cut into so many balanced parts.
    tiling(const cutting& even, int size) : cutting(even), largest(size), balanced(true) {}

    /// The same cutting of another number of pixels.
    tiling of(long pixels) const { return {pixels, largest, balanced}; }

    long begin(long i) const { return balanced ? cutting::begin(i) : std::min(count, i * largest); }
};

/// Zeroes the lanes of the pixels' last block that are no channel. requires: it is y's last block.
template <class T>
void clear_lanes(T* block, int used, const long* at, long pixels) {
    constexpr int half = lanes<T> / 2;
    if (used == half) {  // one store each
        for (long p = 0; p < pixels; ++p) std::memset(block + at[p] + half, 0, half * sizeof(T));
        return;
    }
    for (long p = 0; p < pixels; ++p) {
        for (int lane = used; lane < lanes<T>; ++lane) block[at[p] + lane] = T(0);
    }
}

/// Zeroes those lanes for neighbours in a row.
template <class T>
void clear_row_lanes(T* row, int used, int pixels) {
    for (int p = 0; p < pixels; ++p, row += lanes<T>) {
        for (int lane = used; lane < lanes<T>; ++lane) row[lane] = T(0);
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
