// SPDX-License-Identifier: MIT
// The register tile: R pixels x NV vectors of output channels. Knows pointers, no view, no layer.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/vector.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Some channels of one block of x at one place of the window: `count` products a pixel.
struct tap_step {
    long at = 0;  ///< from a pixel's first element of x
    int count = 0;
};

/// A tile's sums: where they read and write. Offsets are one per pixel.
template <class T>
struct tile_io {
    const tap_step* steps = nullptr;  ///< what is summed
    int step_count = 0;
    const T* x = nullptr;  ///< pixel r begins at x + x_at[r]
    const long* x_at = nullptr;
    T* y = nullptr;              ///< vector v of pixel r at y + y_at[r] + v*y_block
    const long* y_at = nullptr;
    long y_block = 0;
    const T* residual = nullptr;  ///< as y; nullptr: none
    const long* residual_at = nullptr;
    long residual_block = 0;
    const T* bias = nullptr;     ///< nullptr: y holds the sum so far
    const T* filters = nullptr;  ///< [product][NV vectors], in the steps' order
    const T* ahead = nullptr;    ///< fetched into the cache meanwhile, one line a step
    int ahead_step = 0;          ///< elements; 0: nothing to fetch
    bool relu = false;
};

/// y = bias + residual (or y) + sum over the steps and their channels of x * filters, one after the
/// other, so that neither R nor the pixel's place nor the cut into calls changes a bit.
template <class T, int R, int NV>
void tile(const tile_io<T>& io) {
    constexpr int V = lanes<T>;
    vec<T> acc[R][NV];
    long at[R];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
        at[r] = io.x_at[r];
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) {
            acc[r][v] = load<T>(io.bias ? io.bias + v * V : io.y + io.y_at[r] + v * io.y_block);
            if (io.residual) {
                acc[r][v] += load<T>(io.residual + io.residual_at[r] + v * io.residual_block);
            }
        }
    }
    const T *filter = io.filters, *ahead = io.ahead;
    const long ahead_step = io.ahead_step;
    const tap_step* const end = io.steps + io.step_count;
    for (const tap_step* step = io.steps; step != end; ++step) {
        const T* p = io.x + step->at;
        const T* const last = p + step->count;
        do {
            vec<T> w[NV];
#pragma GCC unroll 2
            for (int v = 0; v < NV; ++v) w[v] = load<T>(filter + v * V);
            filter += NV * V;
            __builtin_prefetch(ahead, 0, 2);
            ahead += ahead_step;
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) {
                const vec<T> b = broadcast<T>(p[at[r]]);
#pragma GCC unroll 2
                for (int v = 0; v < NV; ++v) acc[r][v] += b * w[v];
            }
        } while (++p != last);
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) {
            if (io.relu) acc[r][v] = acc[r][v] < vec<T>{} ? vec<T>{} : acc[r][v];
            store<T>(io.y + io.y_at[r] + v * io.y_block, acc[r][v]);
        }
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
