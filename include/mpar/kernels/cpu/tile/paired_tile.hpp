// SPDX-License-Identifier: MIT
// The register tile whose products come in pairs. Knows pointers, no view, no layer.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/tile/pair_scale.hpp>
#include <mpar/kernels/cpu/tile/pairs.hpp>
#include <mpar/kernels/cpu/tile/tile.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// The tile_io of a panel of paired products, whose filters are multiplied by powers of two.
template <class T>
struct paired_io : tile_io<T> {
    const T* head = nullptr;  ///< [pair_rows][NV vectors]
    /// What a pixel's pairs add to its whole sum; nullptr: an earlier part has taken it away.
    const T* corrections = nullptr;
    const T* unscale = nullptr;  ///< of each pixel, what undoes its own scale; nullptr: it has none
};

/// Begins sums: they are 0, less what all pairs will add where that is given.
template <class T, int R, int NV, bool InPairs>
MPAR_ALWAYS_INLINE void begin_paired_tile(const paired_io<T>& io, tile_sums<T, R, NV>& sums) {
    constexpr int V = lanes<T>;
    if (!InPairs || !io.corrections) {
#pragma GCC unroll 32
        for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
            for (int v = 0; v < NV; ++v) sums[r][v] = vec<T>{};
        }
        return;
    }
    const T* const corrections = io.corrections;
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) {
        const vec<T> filters = vec<T>{} - load<T>(io.head + (2 * NV + v) * V);
#pragma GCC unroll 32
        for (int r = 0; r < R; ++r) sums[r][v] = filters - broadcast<T>(corrections[r]);
    }
}

/// y = bias + residual, or y + residual, + sums out of their scale, between bounds.
template <class T, int R, int NV>
MPAR_ALWAYS_INLINE void end_paired_tile(const paired_io<T>& io, tile_sums<T, R, NV>& sums) {
    constexpr int V = lanes<T>;
    if (const T* const unscale = io.unscale) {
#pragma GCC unroll 32
        for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
            for (int v = 0; v < NV; ++v) sums[r][v] *= broadcast<T>(unscale[r]);
        }
    }
    const T* const y = io.y;
    const long *const at = io.y_at, block = io.y_block;
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) {
        const vec<T> inverse = load<T>(io.head + (NV + v) * V);
        if (io.bias) {
            const vec<T> bias = load<T>(io.bias + v * V);
#pragma GCC unroll 32
            for (int r = 0; r < R; ++r) sums[r][v] = multiply_add(sums[r][v], inverse, bias);
        } else {
#pragma GCC unroll 32
            for (int r = 0; r < R; ++r) {
                sums[r][v] = multiply_add(sums[r][v], inverse, load<T>(y + at[r] + v * block));
            }
        }
    }
    if (const T* const residual = io.residual) {
        const long *const from = io.residual_at, step = io.residual_block;
#pragma GCC unroll 32
        for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
            for (int v = 0; v < NV; ++v) sums[r][v] += load<T>(residual + from[r] + v * step);
        }
    }
    end_tile<T, R, NV>(io, sums);
}

/// sums += the products of three channels, two of them as a pair of that sign.
template <class T, int R, int NV, bool Adjacent, int Sign>
MPAR_ALWAYS_INLINE void add_three(tile_sums<T, R, NV>& sums, const tile_inputs<T, R, Adjacent>& x,
                                  const T* filter) {
    constexpr int V = lanes<T>;
    vec<T> w[3][NV];
#pragma GCC unroll 3
    for (int k = 0; k < 3; ++k) {
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) {
            w[k][v] = load<T>(filter + (k * NV + v) * V);
            MPAR_KEEP_IN_REGISTER(w[k][v]);
        }
    }
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) {
        const T* const p = x.of(r, 0);
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) {
            const vec<T> a = add_scalar<Sign>(w[1][v], p), b = add_scalar<Sign>(w[0][v], p + 1);
            add_product(sums[r][v], w[2][v], p + 2);
            add_pair<Sign>(sums[r][v], a, b);
        }
    }
}

/// tile's sum, with filters in their scale, and whole blocks InPairs. Neither R nor the pixel's place
/// changes a bit; the cut into calls, at blocks, does.
template <class T, int R, int NV, bool Adjacent, bool InPairs>
void paired_tile(const paired_io<T>& io) {
    constexpr int V = lanes<T>, filter_step = NV * V;
    tile_sums<T, R, NV> sums;
    begin_paired_tile<T, R, NV, InPairs>(io, sums);
    tile_fetches<T, R, NV, Adjacent> fetches(io);
    tile_inputs<T, R, Adjacent> x(io);
    const T* filter = io.filters;
    const tap_step* const end = io.steps + io.step_count;
    for (const tap_step* step = io.steps; step != end; ++step) {
        fetches.fetch(step);
        x.go_to(step->at);
        int left = step->count;
        if (InPairs && left == V) {
            for (int i = 0; i < threes<T>; ++i, filter += 3 * filter_step) {
                fetches.fetch_ahead(3);
                if (pair_sign(i) > 0) {
                    add_three<T, R, NV, Adjacent, 1>(sums, x, filter);
                } else {
                    add_three<T, R, NV, Adjacent, -1>(sums, x, filter);
                }
                x.advance(3);
            }
            left -= 3 * threes<T>;
        }
        for (; left > 0; --left, filter += filter_step) {
            add_products<T, R, NV, Adjacent, 1>(sums, x, filter);
            x.advance(1);
        }
    }
    fetches.fetch_rest();
    end_paired_tile<T, R, NV>(io, sums);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
