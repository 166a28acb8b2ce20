// SPDX-License-Identifier: MIT
// Winograd's filtering by paired products: what transformed inputs need for that. Knows pointers, no
// layer.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/tile/pair_scale.hpp>
#include <mpar/kernels/cpu/vector.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// The usual mean square of a tile's transformed inputs, where that of its inputs is 1.
constexpr int winograd_usual(int tile) { return tile * tile; }

/// What paired products of one transformed input of a group's tiles need.
template <class T>
struct tile_pairs {
    T* corrections;  ///< one for each tile
    T* unscale;      ///< of each tile: what undoes its own scale

    /// How many elements so many tiles take.
    static constexpr long size(long tiles) { return 2 * tiles; }
    /// What belongs to a group's tiles from the i-th on.
    tile_pairs from(long i) const { return {corrections + i, unscale + i}; }
};

/// Works this out for the inputs of `count` tiles, side by side, whose blocks of channels lie
/// `step` apart. Inputs whose size is far from usual are scaled where they lie, each by its
/// channels alone.
template <class T>
void prepare_pairs(T* inputs, long count, long step, int channels, T usual,
                   const tile_pairs<T>& to) {
    constexpr int V = lanes<T>;
    const int whole = channels / V, blocks = (channels + V - 1) / V;
    for (long t = 0; t < count; ++t) {
        T* const x = inputs + t * V;
        auto sums = pair_sums<T>(x, step, whole);
        T unscale = 1;
        if (!is_near(sums.mean_square, usual)) {
            double square = 0;
            for (int b = 0; b < blocks; ++b) square += mean_square(x + b * step, V, 1) / blocks;
            square /= double(usual);
            const T scale = T(pair_scale(square));
            unscale = T(pair_unscale(square));
            for (int b = 0; b < blocks; ++b) store<T>(x + b * step, load<T>(x + b * step) * scale);
            sums = pair_sums<T>(x, step, whole);
        }
        to.corrections[t] = sums.pairs;
        to.unscale[t] = unscale;
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
