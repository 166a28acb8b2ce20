// SPDX-License-Identifier: MIT
// The activation after a tile's sums where the tile itself does not do it. Knows pointers, no view.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/tensor/activation.hpp>

#include <limits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// What relu and relu6 do, and no other activation: values stay between two bounds.
template <class T>
struct bounds {
    bool any = false;
    T low = 0, high = std::numeric_limits<T>::infinity();

    static bounds of(const activation& act) {
        switch (act.which) {
            case activation::kind::relu: return {true};
            case activation::kind::relu6: return {true, 0, 6};
            default: return {};
        }
    }
};

/// x, kept between bounds by two instructions; NaN stays NaN. requires: `low` is no constant, for
/// which gcc would need more instructions.
template <class T>
MPAR_ALWAYS_INLINE vec<T> bounded(const vec<T>& x, const vec<T>& low, const vec<T>& high) {
    const vec<T> above = low > x ? low : x;
    return high < above ? high : above;
}

/// Whether an activation is more than bounds.
inline bool has_curve(const activation& act) {
    return act.which != activation::kind::none && !bounds<float>::of(act).any;
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

/// y = act(y) for neighbours in a row of one channel block.
template <class T>
void activate_row(const activation& act, T* row, int pixels) {
    for (int p = 0; p < pixels; ++p, row += lanes<T>) store<T>(row, apply<T>(act, load<T>(row)));
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
