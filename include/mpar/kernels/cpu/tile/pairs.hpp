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
// The signs of pairs alternate,
//   x0*y0 + x1*y1 = x0*x1 + y0*y1 - (y1 - x0) * (y0 - x1),
// lest what is taken away grow with the length of a sum of inputs that are all positive. What else the
// digits ask for: pair_scale.hpp.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/vector.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Channels of a block come in threes, a pair and one by itself; those left over are by themselves.
template <class T>
inline constexpr int threes = lanes<T> / 3;

/// The sign of the sum in a block's i-th pair.
constexpr int pair_sign(int three) { return three % 2 == 0 ? 1 : -1; }

/// w + Sign * x.
template <int Sign, class T>
MPAR_ALWAYS_INLINE vec<T> add_scalar(const vec<T>& w, const T* x) {
    return Sign > 0 ? w + broadcast<T>(*x) : w - broadcast<T>(*x);
}

/// sum += w * x.
template <class T>
MPAR_ALWAYS_INLINE void add_product(vec<T>& sum, const vec<T>& w, const T* x) {
    sum = multiply_add(w, broadcast<T>(*x), sum);
}

/// sum += Sign * a * b.
template <int Sign, class W>
MPAR_ALWAYS_INLINE void add_pair(W& sum, const W& a, const W& b) {
    sum = multiply_add(Sign > 0 ? a : -a, b, sum);
}

#if MPAR_VECTOR_BYTES == 64 && defined(__GNUC__)
// x is broadcast by the instruction that uses it, again for each vector: a register of its own would be
// one too many, and gcc would take it. In this order: both kinds of pipes have work all the time.
template <int Sign>
MPAR_ALWAYS_INLINE vec<float> add_scalar(const vec<float>& w, const float* x) {
    vec<float> sum;
    if constexpr (Sign > 0) {
        asm volatile("vaddps {%2%{1to16%}, %1, %0|%0, %1, %2%{1to16%}}"
                     : "=v"(sum)
                     : "v"(w), "m"(*x));
    } else {
        asm volatile("vsubps {%2%{1to16%}, %1, %0|%0, %1, %2%{1to16%}}"
                     : "=v"(sum)
                     : "v"(w), "m"(*x));
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

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
