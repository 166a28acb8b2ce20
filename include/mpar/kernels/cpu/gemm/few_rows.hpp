// SPDX-License-Identifier: MIT
// A product with few rows: b is read once, in the order in which it lies. Knows no cache but L1.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/tensor/matrix.hpp>

#include <algorithm>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// The most rows for which packing b costs more than it gives.
inline constexpr long few_rows = 3;

/// How many rows of b are read side by side: as many as registers hold factors of R rows for.
template <int R>
inline constexpr int depth_at_once = MPAR_VECTOR_BYTES == 64 ? 8
                                     : R == 1                ? 8
                                                             : 4;

/// c[R rows] (+)= a[R][D] * b[D rows], `columns` of them.
template <class T, int R, int D>
void add_rows(const T (&a)[R][D], const T* b, long stride, T* c, long c_stride, long columns,
              bool adds) {
    constexpr int V = lanes<T>;
    vec<T> factor[R][D];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
        for (int d = 0; d < D; ++d) factor[r][d] = broadcast<T>(a[r][d]);
    }
    long j = 0;
    for (; j + V <= columns; j += V) {
        vec<T> sum[R];
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) sum[r] = adds ? load<T>(c + r * c_stride + j) : vec<T>{};
#pragma GCC unroll 8
        for (int d = 0; d < D; ++d) {
            const vec<T> v = load<T>(b + d * stride + j);
#pragma GCC unroll 4
            for (int r = 0; r < R; ++r) sum[r] = multiply_add(v, factor[r][d], sum[r]);
        }
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) store<T>(c + r * c_stride + j, sum[r]);
    }
    for (; j < columns; ++j) {
        for (int r = 0; r < R; ++r) {
            T sum = adds ? c[r * c_stride + j] : T(0);
            for (int d = 0; d < D; ++d) sum = multiply_add(b[d * stride + j], a[r][d], sum);
            c[r * c_stride + j] = sum;
        }
    }
}

/// How many products of a sum are added up by themselves before they are added to others.
inline constexpr long few_rows_depth = 512;

/// Adds the products with rows [k, end) of b to R rows of c, in `columns` columns from the j-th on.
template <class T, int R>
void multiply_some_rows(matrix<const T> a, matrix<const T> b, long k, long end, long j, long columns,
                        matrix<T> c, bool adds, const function_ref<void()>* between) {
    constexpr int D = depth_at_once<R>;
    while (k < end) {
        if (end - k >= D) {
            T some[R][D];
            for (int r = 0; r < R; ++r) std::copy_n(&a(r, k), D, some[r]);
            add_rows<T, R, D>(some, &b(k, j), b.stride, c.data, c.stride, columns, adds);
            k += D;
        } else {
            T one[R][1];
            for (int r = 0; r < R; ++r) one[r][0] = a(r, k);
            add_rows<T, R, 1>(one, &b(k, j), b.stride, c.data, c.stride, columns, adds);
            k += 1;
        }
        adds = true;
        if (between && k % 64 == 0) (*between)();
    }
}

/// Computes R rows of c. Columns are taken in strips whose sums stay in L1.
template <class T, int R>
void multiply_rows(matrix<const T> a, matrix<const T> b, matrix<T> c, bool adds,
                   const function_ref<void()>* between) {
    constexpr long strip = 16384 / long(sizeof(T)) / R;
    alignas(64) T part[R * strip];
    for (long j = 0; j < c.columns; j += strip) {
        const long columns = std::min(strip, c.columns - j);
        const matrix<T> to{c.data + j, R, columns, c.stride}, sums{part, R, columns, strip};
        for (long k = 0; k < a.columns; k += few_rows_depth) {
            const long end = std::min(a.columns, k + few_rows_depth);
            if (k == 0 && !adds) {
                multiply_some_rows<T, R>(a, b, k, end, j, columns, to, false, between);
                continue;
            }
            multiply_some_rows<T, R>(a, b, k, end, j, columns, sums, false, between);
            for (int r = 0; r < R; ++r) {
                for (long i = 0; i < columns; ++i) to(r, i) += sums(r, i);
            }
        }
    }
}

/// Does what gemm does, by its contract. requires: c has one to few_rows rows, and K is not 0.
template <class T>
void multiply_few_rows(matrix<const T> a, matrix<const T> b, matrix<T> c, bool adds,
                       const function_ref<void()>* between) {
    switch (c.rows) {
        case 1: return multiply_rows<T, 1>(a, b, c, adds, between);
        case 2: return multiply_rows<T, 2>(a, b, c, adds, between);
        default: return multiply_rows<T, 3>(a, b, c, adds, between);
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
