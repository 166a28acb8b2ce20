// SPDX-License-Identifier: MIT
// What a register tile does for each of its products, in the order in which it is written. Knows pointers.
//
// A tile's sums, filters and a pixel fill AVX2's 16 registers. gcc, which is free to load the next pixels
// early, then moves sums between registers and into memory; so there these are instructions that it may
// not reorder. Elsewhere there are registers to spare, and the compiler's order is as good.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/vector.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

#if MPAR_VECTOR_BYTES == 32 && defined(__GNUC__)
template <class T>
using lanes_in_memory = const T[lanes<T>];

/// Loads a vector: w = the vector at p.
template <class T>
MPAR_ALWAYS_INLINE void load_in_order(vec<T>& w, const T* p) {
    const auto& from = *reinterpret_cast<lanes_in_memory<T>*>(p);
    asm volatile("vmovups {%1, %0|%0, %1}" : "=x"(w) : "m"(from));
}

/// Broadcasts an element: b = *p in all lanes.
MPAR_ALWAYS_INLINE void broadcast_in_order(vec<float>& b, const float* p) {
    asm volatile("vbroadcastss {%1, %0|%0, %1}" : "=x"(b) : "m"(*p));
}
MPAR_ALWAYS_INLINE void broadcast_in_order(vec<double>& b, const double* p) {
    asm volatile("vbroadcastsd {%1, %0|%0, %1}" : "=x"(b) : "m"(*p));
}

/// sum += b * w, rounded as multiply_add.
MPAR_ALWAYS_INLINE void add_in_order(vec<float>& sum, const vec<float>& b, const vec<float>& w) {
    asm volatile("vfmadd231ps {%2, %1, %0|%0, %1, %2}" : "+x"(sum) : "x"(b), "x"(w));
}
MPAR_ALWAYS_INLINE void add_in_order(vec<double>& sum, const vec<double>& b, const vec<double>& w) {
    asm volatile("vfmadd231pd {%2, %1, %0|%0, %1, %2}" : "+x"(sum) : "x"(b), "x"(w));
}
#else
template <class T>
MPAR_ALWAYS_INLINE void load_in_order(vec<T>& w, const T* p) {
    w = load<T>(p);
    MPAR_KEEP_IN_REGISTER(w);  // else gcc loads it again for each pixel
}
template <class W, class T>
MPAR_ALWAYS_INLINE void broadcast_in_order(W& b, const T* p) {
    b = broadcast<T>(*p);
}
template <class W>
MPAR_ALWAYS_INLINE void add_in_order(W& sum, const W& b, const W& w) {
    sum = multiply_add(b, w, sum);
}
#endif

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
