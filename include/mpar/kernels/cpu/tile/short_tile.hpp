// SPDX-License-Identifier: MIT
// The register tile of a short sum and of a panel that ends in half a vector of channels. Knows
// pointers, no view, no layer.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/tile/tile.hpp>

#include <cstring>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Whether there are registers left for writing between products, of which AVX2 has none.
inline constexpr bool has_short_tiles = MPAR_VECTOR_BYTES == 64;

/// The most products of a pixel whose sum is so short that writing it takes a good part of the
/// time.
inline constexpr long short_products = 40;

template <class T>
struct half_simd {
    typedef T type __attribute__((vector_size(MPAR_VECTOR_BYTES / 2)));
};

/// Half of a register: a core that computes halves in half the time gains by it where the other
/// lanes hold no channel.
template <class T>
using half_vec = typename half_simd<T>::type;

/// Loads or takes the first lanes, of memory at p or of a register.
template <class W>
MPAR_ALWAYS_INLINE W load_lanes(const void* p) {
    W v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

/// The sums of R pixels: NV - 1 whole vectors and a last one of type W, which is half a vector or
/// all.
template <class T, int R, int NV, class W>
struct short_sums {
    static_assert(NV == 1 || NV == 2);
    tile_sums<T, R, 1> first;  ///< of NV == 2
    W last[R];
};

/// Begins such sums as begin_tile does, with a bias.
template <class T, int R, int NV, class W>
MPAR_ALWAYS_INLINE void begin_short_tile(const tile_io<T>& io, short_sums<T, R, NV, W>& sums) {
    if constexpr (NV == 2) begin_tile<T, R, 1>(io, sums.first);
    const W bias = load_lanes<W>(io.bias + (NV - 1) * lanes<T>);
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) sums.last[r] = bias;
    if (!io.residual) return;
    const T* const residual = io.residual + (NV - 1) * io.residual_block;
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) sums.last[r] += load_lanes<W>(residual + io.residual_at[r]);
}

/// sums += x * filter for adjacent pixels, the products of one channel; with Writes y = sums,
/// between bounds if Bounded. Pixel by pixel: a core has room for few stores of a whole register,
/// and if all came after the last product the next tile would wait for them.
template <class T, int R, int NV, class W, bool Writes, bool Bounded>
MPAR_ALWAYS_INLINE void add_short_products(const tile_io<T>& io, short_sums<T, R, NV, W>& sums,
                                           const T* x, const T* filter) {
    constexpr int V = lanes<T>;
    asm("" : "+r"(x));
    const vec<T> low = broadcast<T>(io.within.low), high = broadcast<T>(io.within.high);
    vec<T> w{};
    if constexpr (NV == 2) {
        w = load<T>(filter);
        MPAR_KEEP_IN_REGISTER(w);
    }
    W last = load_lanes<W>(filter + (NV - 1) * V);
    MPAR_KEEP_IN_REGISTER(last);
    T *const y = io.y, *const y_last = y + (NV - 1) * io.y_block;
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) {
        if constexpr (NV == 2) {
            const vec<T> b = broadcast<T>(x[r * V]);
            sums.first[r][0] = multiply_add(b, w, sums.first[r][0]);
            sums.last[r] = multiply_add(load_lanes<W>(&b), last, sums.last[r]);
        } else {
            sums.last[r] = multiply_add(x[r * V], last, sums.last[r]);
        }
        if constexpr (Writes) {
            W sum = sums.last[r];
            if constexpr (Bounded) {
                const W least = load_lanes<W>(&low), most = load_lanes<W>(&high);
                const W above = least > sum ? least : sum;
                sum = most < above ? most : above;
                if constexpr (NV == 2) sums.first[r][0] = bounded<T>(sums.first[r][0], low, high);
            }
            if constexpr (NV == 2) store<T>(y + io.y_at[r], sums.first[r][0]);
            std::memcpy(y_last + io.y_at[r], &sum, sizeof sum);
            asm("" ::: "memory");  // else gcc puts all products first
        }
    }
}

/// tile's sum for R adjacent pixels and NV vectors; of the last one W alone is written.
/// requires: one product or more; a bias: the sum has one part.
template <class T, int R, int NV, class W>
void short_tile(const tile_io<T>& io) {
    constexpr int filter_step = NV * lanes<T>;
    short_sums<T, R, NV, W> sums;
    begin_short_tile<T, R, NV, W>(io, sums);
    tile_fetches<T, R, NV, true> fetches(io);
    const T* const x = io.x + io.x_at[0];
    const T *filter = io.filters, *p = x;
    const tap_step* const end = io.steps + io.step_count;
    for (const tap_step* step = io.steps; step != end; ++step) {
        p = x + step->at;
        const T* const last = p + step->count - (step + 1 == end);  // one is left for the writing
        fetches.fetch(step);
        for (; p < last; ++p) {
            add_short_products<T, R, NV, W, false, false>(io, sums, p, filter);
            filter += filter_step;
        }
    }
    fetches.fetch_rest();
    if (io.within.any) {
        add_short_products<T, R, NV, W, true, true>(io, sums, p, filter);
    } else {
        add_short_products<T, R, NV, W, true, false>(io, sums, p, filter);
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
