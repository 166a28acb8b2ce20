// SPDX-License-Identifier: MIT
// The activation after a tile's sums where the tile itself does not do it. Knows pointers, no view.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/tensor/activation.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Whether the tiles leave the activation to activate_pixels: relu they do in registers.
inline bool is_applied_later(const activation& act) {
    return act.which != activation::kind::none && act.which != activation::kind::relu;
}

/// y = act(y) for vectors [0, vectors) of some pixels.
template <class T>
void activate_pixels(const activation& act, T* y, const long* y_at, long pixels, long y_block,
                     int vectors) {
    for (long p = 0; p < pixels; ++p) {
        for (int v = 0; v < vectors; ++v) {
            T* at = y + y_at[p] + v * y_block;
            store<T>(at, apply<T>(act, load<T>(at)));
        }
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
