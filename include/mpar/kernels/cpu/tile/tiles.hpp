// SPDX-License-Identifier: MIT
// The register tiles that are compiled, found by their size. Knows no view and no layer.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/tile/paired_tile.hpp>
#include <mpar/kernels/cpu/tile/short_tile.hpp>
#include <mpar/kernels/cpu/tile/tile.hpp>

#include <array>
#include <cstddef>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// How many pixels a tile of two vectors has: its sums, two filter vectors and a pixel fill the
/// registers. One vector has room for twice as many.
inline constexpr int tile_pixels = MPAR_VECTOR_BYTES == 64 ? 14 : MPAR_VECTOR_BYTES == 32 ? 6 : 5;

/// Pixels that are not few are cut into tiles of the largest size or up to so many less: these, and
/// some small ones, are all that is compiled.
inline constexpr int less_pixels = 2;

template <class T>
using tile_kernel = void (*)(const tile_io<T>&);

/// How many pixels a tile of paired products has: three filters of two vectors and two sums stay in
/// registers too. So many of one vector are enough.
inline constexpr int pair_pixels = MPAR_VECTOR_BYTES == 64 ? 12 : 4;

template <class T>
using paired_kernel = void (*)(const paired_io<T>&);

/// A list of kernels: kernel [r] computes r pixels of NV vectors, and is nullptr where none is
/// compiled. Pixels are mostly adjacent where there are many: large tiles of that kind have kernels
/// of their own.
template <class T, int NV, bool Adjacent>
inline constexpr std::array<tile_kernel<T>, 2 * tile_pixels + 1> tile_kernels = [] {
    constexpr int n = tile_pixels;
    constexpr bool adjacent = Adjacent && NV == 2;
    static_assert(less_pixels == 2);
    std::array<tile_kernel<T>, 2 * n + 1> list{};
    list[1] = tile<T, 1, NV>;
    list[2] = tile<T, 2, NV>;
    if constexpr (n - 2 > 4) list[4] = tile<T, 4, NV>;
    if constexpr (n - 2 > 8) list[8] = tile<T, 8, NV>;
    list[n - 2] = tile<T, n - 2, NV, adjacent>;
    list[n - 1] = tile<T, n - 1, NV, adjacent>;
    list[n] = tile<T, n, NV, adjacent>;
    if constexpr (NV == 1 && Adjacent) list[2 * n] = tile<T, 2 * n, 1, true>;
    return list;
}();

/// The kernels of paired products, and of direct sums of their filters. Small tiles are nearly as
/// good: what their sums wait for is little beside two additions for a product.
template <class T, int NV, bool Adjacent, bool InPairs>
inline constexpr std::array<paired_kernel<T>, pair_pixels + 1> paired_kernels = [] {
    constexpr int n = pair_pixels;
    std::array<paired_kernel<T>, n + 1> list{};
    list[1] = paired_tile<T, 1, NV, false, InPairs>;
    list[4] = paired_tile<T, 4, NV, false, InPairs>;
    if constexpr (InPairs) list[n] = paired_tile<T, n, NV, Adjacent, true>;
    return list;
}();

/// Computes a tile of any number of pixels by the kernels of a list.
template <class Io, class Kernels>
void run_some(const Io& io, const Kernels& kernels, long pixels) {
    if (const auto kernel = kernels[std::size_t(pixels)]) return kernel(io);
    Io some = io;
    while (pixels > 0) {
        long count = pixels;
        while (!kernels[std::size_t(count)]) --count;
        kernels[std::size_t(count)](some);
        some.x_at += count;
        some.y_at += count;
        if (some.residual) some.residual_at += count;
        if constexpr (requires { some.corrections; }) {
            if (some.corrections) some.corrections += count;
            if (some.unscale) some.unscale += count;
        }
        pixels -= count;
    }
}

/// Computes a tile of up to tile_pixels pixels, or twice as many of one vector. `adjacent` says
/// that they lie side by side in x.
template <class T>
void run_tile(const tile_io<T>& io, int vectors, long pixels, bool adjacent) {
    static constexpr const std::array<tile_kernel<T>, 2 * tile_pixels + 1>* lists[] = {
        &tile_kernels<T, 1, false>, &tile_kernels<T, 1, true>, &tile_kernels<T, 2, false>,
        &tile_kernels<T, 2, true>};
    run_some(io, *lists[2 * (vectors - 1) + adjacent], pixels);
}

/// Computes a tile of up to pair_pixels pixels by paired products or, if not `in_pairs`, by direct
/// sums of their filters.
template <class T>
void run_paired_tile(const paired_io<T>& io, int vectors, long pixels, bool adjacent,
                     bool in_pairs) {
    static constexpr const std::array<paired_kernel<T>, pair_pixels + 1>* lists[] = {
        &paired_kernels<T, 1, false, false>, &paired_kernels<T, 1, false, true>,
        &paired_kernels<T, 1, false, true>,  &paired_kernels<T, 2, false, false>,
        &paired_kernels<T, 2, false, true>,  &paired_kernels<T, 2, true, true>};
    run_some(io, *lists[3 * (vectors - 1) + in_pairs + (in_pairs && adjacent)], pixels);
}

/// run_tile where sums, of one product or more, are short or `in_half`: the panel ends in half a
/// vector, and the lanes beyond may stay unwritten.
template <class T>
void run_short_tile(const tile_io<T>& io, int vectors, long pixels, bool adjacent, bool in_half) {
    constexpr int n = tile_pixels;
    if constexpr (has_short_tiles) {
        if (adjacent && vectors == 2 && pixels == n) {
            return in_half ? short_tile<T, n, 2, half_vec<T>>(io) : short_tile<T, n, 2, vec<T>>(io);
        }
        if (adjacent && vectors == 1 && pixels == 2 * n) {
            return in_half ? short_tile<T, 2 * n, 1, half_vec<T>>(io)
                           : short_tile<T, 2 * n, 1, vec<T>>(io);
        }
    }
    run_tile(io, vectors, pixels, adjacent);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
