// SPDX-License-Identifier: MIT
// Pixels of a batch in one line, cut into blocks and tiles. Knows views, no kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/tensor/view.hpp>

#include <algorithm>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Where pixels begin in a view: those of a batch in n, h, w order.
struct pixel_strides {
    long n = 0, h = 0, w = 0;
};

template <class T>
pixel_strides strides_of(const view<T>& v, int stride_h = 1, int stride_w = 1) {
    return {v.stride_n, v.stride_h * stride_h, v.stride_w * stride_w};
}

/// Offsets of the pixels [begin, end) of images of h x w pixels.
inline void pixel_offsets(const pixel_strides& s, int h, int w, long begin, long end, long* at) {
    int column = int(begin % w), row = int(begin / w % h);
    long image = begin / w / h * s.n;
    for (long p = begin; p < end; ++p) {
        *at++ = image + row * s.h + column * s.w;
        if (++column < w) continue;
        column = 0;
        if (++row < h) continue;
        row = 0;
        image += s.n;
    }
}

/// `pixels` cut into tiles of two sizes that differ by one, at most `largest`: a short tail would
/// run with few accumulators.
struct tiling {
    long pixels = 0, tiles = 0;

    tiling(long count, int largest) : pixels(count), tiles(ceil_div<long>(count, largest)) {}

    /// The first pixel of tile t; of t = tiles: the end.
    long begin(long t) const { return pixels / tiles * t + std::min(t, pixels % tiles); }
};

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
