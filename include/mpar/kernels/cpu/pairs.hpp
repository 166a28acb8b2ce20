// SPDX-License-Identifier: MIT
// Two products of a sum by one multiplication: which of them, and what is to be taken away again.
// Knows pointers, no view, no layer.
//
// Winograd's inner product (A New Algorithm for Inner Product, 1968):
//   x0*y0 + x1*y1 = (y1 + x0) * (y0 + x1) - x0*x1 - y0*y1
// where what is taken away depends on the pixel or on the filter alone. It has two additions for each
// multiplication that it saves, so it is of use where a core adds in other pipes than it multiplies.
// A third product beside each pair keeps both kinds of pipes busy: four operations of either kind do
// the work of six.
//
// Digits: the error is that of sums of (|x| + |y|)^2 in place of |x|*|y| - as good as the direct one's
// where both are about as large, so filters are packed times a power of two that makes them so, and
// pixels that are far from it have direct sums. The signs of pairs alternate,
//   x0*y0 + x1*y1 = x0*x1 + y0*y1 - (y1 - x0) * (y0 - x1),
// lest what is taken away grow with the length of a sum of inputs that are all positive.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/cpu/vector.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Channels of a block come in threes, a pair and one by itself; those left over are by themselves.
template <class T>
inline constexpr int threes = lanes<T> / 3;

/// The sign of the sum in a block's i-th pair.
constexpr int pair_sign(int three) { return three % 2 == 0 ? 1 : -1; }

/// What a panel of paired products has before its filters, each NV vectors: the powers of two by
/// which they are multiplied, their inverses, and the sums of y0 * y1.
inline constexpr int pair_rows = 3;

/// The mean of a pixel's squares that filters are scaled to, and the least and the greatest one that
/// are near it.
struct pair_range {
    static constexpr double usual = 1, least = 1.0 / 256, greatest = 256;
};

/// Of filters of that mean square: a power of two.
inline double pair_scale(double mean_square) {
    if (!(mean_square > 0) || !std::isfinite(mean_square)) return 1;
    constexpr double most = 60;
    const double exponent = std::round(std::log2(pair_range::usual / mean_square) / 2);
    return std::exp2(std::clamp(exponent, -most, most));
}

/// w + Sign * x.
template <int Sign, class T>
MPAR_ALWAYS_INLINE vec<T> add_scalar(const vec<T>& w, const T* x) {
    return Sign > 0 ? w + broadcast<T>(*x) : w - broadcast<T>(*x);
}

/// sum += w * x.
template <class T>
MPAR_ALWAYS_INLINE void add_product(vec<T>& sum, const vec<T>& w, const T* x) {
    sum += w * broadcast<T>(*x);
}

/// sum += Sign * a * b.
template <int Sign, class W>
MPAR_ALWAYS_INLINE void add_pair(W& sum, const W& a, const W& b) {
    Sign > 0 ? sum += a * b : sum -= a * b;
}

#if MPAR_VECTOR_BYTES == 64 && defined(__GNUC__)
// x is broadcast by the instruction that uses it, again for each vector: a register of its own would be
// one too many, and gcc would take it. In this order: both kinds of pipes have work all the time.
template <int Sign>
MPAR_ALWAYS_INLINE vec<float> add_scalar(const vec<float>& w, const float* x) {
    vec<float> sum;
    if constexpr (Sign > 0) {
        asm volatile("vaddps {%2%{1to16%}, %1, %0|%0, %1, %2%{1to16%}}" : "=v"(sum) : "v"(w), "m"(*x));
    } else {
        asm volatile("vsubps {%2%{1to16%}, %1, %0|%0, %1, %2%{1to16%}}" : "=v"(sum) : "v"(w), "m"(*x));
    }
    return sum;
}
MPAR_ALWAYS_INLINE void add_product(vec<float>& sum, const vec<float>& w, const float* x) {
    asm volatile("vfmadd231ps {%2%{1to16%}, %1, %0|%0, %1, %2%{1to16%}}"
                 : "+v"(sum)
                 : "v"(w), "m"(*x));
}
template <int Sign>
MPAR_ALWAYS_INLINE void add_pair(vec<float>& sum, const vec<float>& a, const vec<float>& b) {
    if constexpr (Sign > 0) {
        asm volatile("vfmadd231ps {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(a), "v"(b));
    } else {
        asm volatile("vfnmadd231ps {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(a), "v"(b));
    }
}
#endif

/// Of the lanes of a block, in the sums below: what each is multiplied by - the first of a pair by the
/// second, all others by themselves - and with which sign.
template <class T>
struct lane_pairs {
    using integers = typename simd<T>::integers;

    alignas(64) decltype(integers{}[0] + 0) partner[lanes<T>] = {};
    alignas(64) T sign[lanes<T>] = {};

    static constexpr bool is_first(int lane) { return lane % 3 == 0 && lane / 3 < threes<T>; }
    constexpr lane_pairs() {
        for (int i = 0; i < lanes<T>; ++i) {
            partner[i] = i + is_first(i);
            sign[i] = is_first(i) ? T(pair_sign(i / 3)) : T(1);
        }
    }
    static const lane_pairs table;
};
template <class T>
inline constexpr lane_pairs<T> lane_pairs<T>::table{};

/// Of a pixel that is far from usual, and has a direct sum.
template <class T>
inline constexpr T no_correction = std::numeric_limits<T>::max();

/// The sum over a pixel's pairs of x0 * x1, with their signs, in `blocks` whole blocks; or
/// no_correction. Of a pixel's channels alone.
template <class T>
MPAR_ALWAYS_INLINE T pixel_correction(const T* x, long stride_c, int blocks) {
    const lane_pairs<T>& of = lane_pairs<T>::table;
    typename simd<T>::integers partner;
    std::memcpy(&partner, of.partner, sizeof partner);
    const vec<T> sign = load<T>(of.sign);
    vec<T> sums{};
    for (int b = 0; b < blocks; ++b, x += stride_c) {
        const vec<T> v = load<T>(x);
        sums += v * sign * __builtin_shuffle(v, partner);
    }
    T pairs = 0, squares = 0;
#pragma GCC unroll 16
    for (int i = 0; i < lanes<T>; ++i) {
        if (of.is_first(i)) pairs += sums[i];
        else squares += sums[i];
    }
    const T count = T(blocks) * (lanes<T> - threes<T>);
    const bool is_near = squares >= T(pair_range::least) * count &&
                         squares <= T(pair_range::greatest) * count;
    return is_near ? pairs : no_correction<T>;
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
