// SPDX-License-Identifier: MIT
// a * b + c, rounded once where the ISA can, by vectors and by elements. Knows no kernel.
//
// The compiler would contract a product and a sum as its flags, its tuning and the loop around them
// please, and the bits of a sum would hang on that. So what promises bits is written with these: one
// rounding on an ISA with multiply-adds, two on one without, where no compiler can make one of them.
#pragma once

#include <mpar/core/config.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

MPAR_ALWAYS_INLINE float multiply_add(float a, float b, float c) {
#if defined(__FMA__) || defined(__FP_FAST_FMAF)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}
MPAR_ALWAYS_INLINE double multiply_add(double a, double b, double c) {
#if defined(__FMA__) || defined(__FP_FAST_FMA)
    return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
}

/// a * b + c by element, for a vector W of floats or doubles.
template <class W>
MPAR_ALWAYS_INLINE W multiply_add(const W& a, const W& b, const W& c) {
    using element = decltype(+(W{})[0]);
    constexpr bool is_float = sizeof(element) == 4;
#if MPAR_HAS_ELEMENTWISE_FMA
    return __builtin_elementwise_fma(a, b, c);
#elif defined(__FMA__)
    if constexpr (sizeof(W) == 16) {
        if constexpr (is_float) return __builtin_ia32_vfmaddps(a, b, c);
        if constexpr (!is_float) return __builtin_ia32_vfmaddpd(a, b, c);
    } else if constexpr (sizeof(W) == 32) {
        if constexpr (is_float) return __builtin_ia32_vfmaddps256(a, b, c);
        if constexpr (!is_float) return __builtin_ia32_vfmaddpd256(a, b, c);
    } else {
#if defined(__AVX512F__)
        constexpr int as_usual = 4;  // rounded
        constexpr unsigned char all = 255;
        if constexpr (is_float) return __builtin_ia32_vfmaddps512_mask(a, b, c, -1, as_usual);
        if constexpr (!is_float) return __builtin_ia32_vfmaddpd512_mask(a, b, c, all, as_usual);
#endif
    }
#else
    W result{};
    if constexpr (is_float) {
#if defined(__FP_FAST_FMAF)
        for (unsigned i = 0; i < sizeof(W) / sizeof(element); ++i) {
            result[i] = __builtin_fmaf(a[i], b[i], c[i]);
        }
#else
        result = a * b + c;
#endif
    } else {
#if defined(__FP_FAST_FMA)
        for (unsigned i = 0; i < sizeof(W) / sizeof(element); ++i) {
            result[i] = __builtin_fma(a[i], b[i], c[i]);
        }
#else
        result = a * b + c;
#endif
    }
    return result;
#endif
}

template <class W>
MPAR_ALWAYS_INLINE W multiply_add(decltype(+(W{})[0]) a, const W& b, const W& c) {
    return multiply_add(a - W{}, b, c);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
