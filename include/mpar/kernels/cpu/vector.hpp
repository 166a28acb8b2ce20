// SPDX-License-Identifier: MIT
// One SIMD register of the user's ISA: loads, selection, exp, activations. Knows no view.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/tensor/activation.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numbers>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

template <class T>
struct simd;

template <>
struct simd<float> {
    typedef float type __attribute__((vector_size(MPAR_VECTOR_BYTES)));
    typedef std::int32_t integers __attribute__((vector_size(MPAR_VECTOR_BYTES)));
};

template <>
struct simd<double> {
    typedef double type __attribute__((vector_size(MPAR_VECTOR_BYTES)));
    typedef std::int64_t integers __attribute__((vector_size(MPAR_VECTOR_BYTES)));
};

/// A register of T: + - * / and comparisons work by element, comparisons give masks of integers.
template <class T>
using vec = typename simd<T>::type;

/// How many elements of T a register has, which is the channel block of these kernels.
template <class T>
inline constexpr int lanes = MPAR_VECTOR_BYTES / int(sizeof(T));

template <class T>
MPAR_ALWAYS_INLINE vec<T> load(const T* p) {
    vec<T> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
MPAR_ALWAYS_INLINE void store(T* p, const vec<T>& v) {
    std::memcpy(p, &v, sizeof v);
}

template <class T>
MPAR_ALWAYS_INLINE vec<T> broadcast(T s) {
    return s - vec<T>{};
}

/// 1 / k! for k below 14.
template <class T>
inline constexpr std::array<T, 14> inverse_factorials = [] {
    std::array<T, 14> result{};
    double factorial = 1;
    for (std::size_t k = 0; k < result.size(); ++k) {
        factorial *= k == 0 ? 1 : double(k);
        result[k] = T(1 / factorial);
    }
    return result;
}();

/// exp by element to about 1 ulp: x = n ln 2 + r with |r| <= ln 2 / 2, Taylor's series in r, and
/// 2^n as two factors, so that infinity and subnormal results come out of the last product.
template <class T>
MPAR_ALWAYS_INLINE vec<T> exponential(const vec<T>& x) {
    using limits = std::numeric_limits<T>;
    using integers = typename simd<T>::integers;
    constexpr bool is_float = sizeof(T) == 4;
    constexpr int terms = is_float ? 7 : 13;
    constexpr T highest = is_float ? T(89) : T(710), lowest = is_float ? T(-104) : T(-746);
    constexpr T ln2_high = is_float ? T(0x1.62ep-1) : T(0x1.62e42feep-1);  // n * high is exact
    constexpr T ln2_low = is_float ? T(0x1.0bfbe8p-15) : T(0x1.a39ef35793c76p-33);
    constexpr int mantissa = limits::digits - 1, bias = limits::max_exponent - 1;
    constexpr vec<T> zero{};

    const vec<T> number = x == x ? x : zero;  // n of a NaN is of no account: its r is NaN
    const vec<T> below = number < highest ? number : highest - zero;
    const vec<T> z = below > lowest ? below : lowest - zero;
    const vec<T> half = z < zero ? T(-0.5) - zero : T(0.5) - zero;
    const integers n =
        __builtin_convertvector(multiply_add(std::numbers::log2e_v<T>, z, half), integers);
    const vec<T> whole = __builtin_convertvector(n, vec<T>);
    const vec<T> r = multiply_add(-ln2_low, whole, multiply_add(-ln2_high, whole, x == x ? z : x));

    vec<T> sum = inverse_factorials<T>[terms] - zero;
#pragma GCC unroll 16
    for (int k = terms - 1; k >= 0; --k) {
        sum = multiply_add(sum, r, broadcast<T>(inverse_factorials<T>[k]));
    }
    const integers first = n >> 1, second = n - first;
    const integers a = (first + bias) << mantissa, b = (second + bias) << mantissa;
    vec<T> scale_a, scale_b;
    std::memcpy(&scale_a, &a, sizeof a);
    std::memcpy(&scale_b, &b, sizeof b);
    return sum * scale_a * scale_b;
}

/// Applies act to each element, to the values of activation::operator().
template <class T>
MPAR_ALWAYS_INLINE vec<T> apply(const activation& act, const vec<T>& x) {
    constexpr vec<T> zero{};
    switch (act.which) {
        case activation::kind::none: return x;
        case activation::kind::relu: return x < zero ? zero : x;
        case activation::kind::relu6: {
            const vec<T> six = T(6) - zero, positive = x < zero ? zero : x;
            return positive > six ? six : positive;
        }
        case activation::kind::leaky_relu: return x < zero ? static_cast<T>(act.slope) * x : x;
        case activation::kind::silu: return x / (T(1) + exponential<T>(zero - x));
    }
    return x;
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
