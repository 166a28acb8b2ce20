// SPDX-License-Identifier: MIT
// The register tile of a piece of a row: products with padding are left out. Knows pointers, no
// view, no layer.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/tile/tile.hpp>
#include <mpar/tensor/shape.hpp>

#include <algorithm>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// How many pixels a piece of a row has: with four vectors of channels, its sums and three of the
/// filter vectors fill AVX-512's registers.
inline constexpr int row_pixels = 7;
inline constexpr bool has_row_tiles = MPAR_VECTOR_BYTES == 64;

/// Where such a tile's sums read and write. What is left out depends on a pixel's place in the
/// image alone.
template <class T>
struct row_tile_io : tile_io<T> {
    range rows;                 ///< of the window that lie in the image
    range columns;              ///< from the first pixel's first one to the last pixel's last one
    long filter_step = 0;       ///< from a product's filters to the next's
    long panel_step = 0;        ///< from a panel's filters to the next panel's
};

/// sums += x * filter for pixels [First, Last), the products of one channel.
template <class T, int NV, bool Adjacent, int First, int Last>
MPAR_ALWAYS_INLINE void add_row_products(tile_sums<T, row_pixels, NV>& sums, const T* x,
                                         const long (&at)[row_pixels], const T* filter,
                                         const T* second) {
    constexpr int V = lanes<T>, held = std::min(NV, 3);
    asm("" : "+r"(x));
    vec<T> w[held];
#pragma GCC unroll 3
    for (int v = 0; v < held; ++v) {
        w[v] = load<T>(v < 2 ? filter + v * V : second);
        MPAR_KEEP_IN_REGISTER(w[v]);
    }
#pragma GCC unroll 8
    for (int r = First; r < Last; ++r) {
        const vec<T> b = broadcast<T>(Adjacent ? x[r * V] : x[at[r]]);
#pragma GCC unroll 3
        for (int v = 0; v < held; ++v) sums[r][v] = multiply_add(b, w[v], sums[r][v]);
        if constexpr (NV == 4) {
            asm("" : "+r"(second));  // read for each pixel: there is no register for it
            sums[r][3] = multiply_add(b, load<T>(second + V), sums[r][3]);
        }
    }
}

/// tile's sum for row_pixels pixels of a row and one vector or four, those of two panels.
template <class T, int NV, bool Adjacent>
void row_tile(const row_tile_io<T>& io) {
    static_assert(NV == 1 || NV == 4);
    constexpr int R = row_pixels;
    tile_sums<T, R, NV> sums;
    long at[R];
    begin_tile<T, R, NV>(io, sums);
    tile_fetches<T, R, NV> fetches(io);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) at[r] = Adjacent ? 0 : io.x_at[r];
    const T* const x = io.x + (Adjacent ? io.x_at[0] : 0);
    const T* filter = io.filters;
    const long filter_step = io.filter_step, second = io.panel_step;
    const tap_step* const end = io.steps + io.step_count;
    for (const tap_step* step = io.steps; step != end; ++step) {
        fetches.fetch(step);
        if (step->row < io.rows.lo || step->row >= io.rows.hi) {
            filter += step->count * filter_step;
            continue;
        }
        const T* p = x + step->at;
        const T* const last = p + step->count;
        if (step->column < io.columns.lo) {
            for (; p < last; ++p, filter += filter_step) {
                add_row_products<T, NV, Adjacent, 1, R>(sums, p, at, filter, filter + second);
            }
        } else if (step->column >= io.columns.hi) {
            for (; p < last; ++p, filter += filter_step) {
                add_row_products<T, NV, Adjacent, 0, R - 1>(sums, p, at, filter, filter + second);
            }
        } else {
            for (; p < last; ++p, filter += filter_step) {
                add_row_products<T, NV, Adjacent, 0, R>(sums, p, at, filter, filter + second);
            }
        }
    }
    fetches.fetch_rest();
    add_earlier_parts<T, R, NV>(io, sums);
    end_tile<T, R, NV>(io, sums);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
