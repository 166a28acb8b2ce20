// SPDX-License-Identifier: MIT
// The register tiles that are compiled, found by their size. Knows no view and no layer.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/short_tile.hpp>
#include <mpar/kernels/cpu/tile.hpp>

#include <array>
#include <cstddef>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Pixels of a tile of two vectors: its sums, two filter vectors and a pixel fill the registers.
/// One vector has room for twice as many.
inline constexpr int tile_pixels = MPAR_VECTOR_BYTES == 64 ? 14 : MPAR_VECTOR_BYTES == 32 ? 6 : 5;

/// Pixels that are not few are cut into tiles of this size or up to two more: these, and some small
/// ones, are all that is compiled.
inline constexpr int least_tile = tile_pixels - 2;

template <class T>
using tile_kernel = void (*)(const tile_io<T>&);

/// [r] computes r pixels of NV vectors; nullptr: is not compiled. Pixels are mostly adjacent where
/// there are many: large tiles of that kind have kernels of their own.
template <class T, int NV, bool Adjacent>
inline constexpr std::array<tile_kernel<T>, 2 * tile_pixels + 1> tile_kernels = [] {
    constexpr int n = tile_pixels;
    std::array<tile_kernel<T>, 2 * n + 1> list{};
    list[1] = tile<T, 1, NV>;
    list[2] = tile<T, 2, NV>;
    if constexpr (n - 2 > 4) list[4] = tile<T, 4, NV>;
    if constexpr (n - 2 > 8) list[8] = tile<T, 8, NV>;
    list[n - 2] = tile<T, n - 2, NV, Adjacent && NV == 2>;
    list[n - 1] = tile<T, n - 1, NV, Adjacent && NV == 2>;
    list[n] = tile<T, n, NV, Adjacent && NV == 2>;
    if constexpr (NV == 1) list[2 * n] = tile<T, 2 * n, 1, Adjacent>;
    return list;
}();

/// One tile of any number of pixels up to tile_pixels, or twice as many of one vector.
/// `adjacent`: they lie side by side in x.
template <class T>
void run_tile(const tile_io<T>& io, int vectors, long pixels, bool adjacent) {
    static constexpr const std::array<tile_kernel<T>, 2 * tile_pixels + 1>* lists[] = {
        &tile_kernels<T, 1, false>, &tile_kernels<T, 1, true>, &tile_kernels<T, 2, false>,
        &tile_kernels<T, 2, true>};
    const auto& kernels = *lists[2 * (vectors - 1) + adjacent];
    if (const auto kernel = kernels[std::size_t(pixels)]) return kernel(io);
    tile_io<T> some = io;
    while (pixels > 0) {
        long count = pixels;
        while (!kernels[std::size_t(count)]) --count;
        kernels[std::size_t(count)](some);
        some.x_at += count;
        some.y_at += count;
        if (some.residual) some.residual_at += count;
        pixels -= count;
    }
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
