// SPDX-License-Identifier: MIT
// Winograd's minimal filtering in one dimension: a few outputs of a filter of three taps by fewer
// products than their sums have. Knows registers, no tile.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/vector.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Outputs y = A' [(G g) . (B' d)] of `side` inputs d and taps g, where A, B, G evaluate and
/// interpolate polynomials (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
/// 2015). Of the `side` factors G g, `filters` are distinct: the last one holds from there on.
template <int Outputs, int Stride>
struct winograd_line;

/// Two outputs of stride 1, by polynomials evaluated at 0, 1, -1 and infinity.
template <>
struct winograd_line<2, 1> {
    static constexpr int side = 4, filters = 4;

    template <class T>
    MPAR_ALWAYS_INLINE static void input(const vec<T> (&d)[side], vec<T> (&v)[side]) {
        v[0] = d[0] - d[2];
        v[1] = d[1] + d[2];
        v[2] = d[2] - d[1];
        v[3] = d[3] - d[1];
    }
    static void filter(const double (&g)[3], double (&u)[filters]) {
        u[0] = g[0];
        u[1] = (g[0] + g[1] + g[2]) / 2;
        u[2] = (g[0] - g[1] + g[2]) / 2;
        u[3] = g[2];
    }
    template <class T>
    MPAR_ALWAYS_INLINE static void output(const vec<T> (&m)[side], vec<T> (&y)[2]) {
        y[0] = m[0] + (m[1] + m[2]);
        y[1] = m[3] + (m[1] - m[2]);
    }
};

/// Four outputs of stride 1, by polynomials evaluated at 0, a, -a, b, -b and infinity. Of fractions
/// of few bits, which round nothing, these lose the fewest digits: a quarter of the error of 1 and
/// 2 (tests/kernels/winograd.cpp holds them to it).
template <>
struct winograd_line<4, 1> {
    static constexpr int side = 6, filters = 6;
    static constexpr double a = 0.75, b = 1.5, a2 = a * a, b2 = b * b;

    template <class T>
    MPAR_ALWAYS_INLINE static void input(const vec<T> (&d)[side], vec<T> (&v)[side]) {
        const vec<T> even_a = multiply_add(-T(b2), d[2], d[4]);
        const vec<T> odd_a = multiply_add(-T(b2), d[1], d[3]);
        const vec<T> even_b = multiply_add(-T(a2), d[2], d[4]);
        const vec<T> odd_b = multiply_add(-T(a2), d[1], d[3]);
        v[0] = multiply_add(T(a2 * b2), d[0], multiply_add(-T(a2 + b2), d[2], d[4]));
        v[1] = multiply_add(T(a), odd_a, even_a);
        v[2] = multiply_add(-T(a), odd_a, even_a);
        v[3] = multiply_add(T(b), odd_b, even_b);
        v[4] = multiply_add(-T(b), odd_b, even_b);
        v[5] = multiply_add(T(a2 * b2), d[1], multiply_add(-T(a2 + b2), d[3], d[5]));
    }
    static void filter(const double (&g)[3], double (&u)[filters]) {
        constexpr double points[5] = {0, a, -a, b, -b};
        for (int i = 0; i < 5; ++i) {
            const double p = points[i];
            double product = 1;
            for (const double q : points) product *= p == q ? 1 : p - q;
            u[i] = multiply_add(p, multiply_add(p, g[2], g[1]), g[0]) / product;
        }
        u[5] = g[2];
    }
    template <class T>
    MPAR_ALWAYS_INLINE static void output(const vec<T> (&m)[side], vec<T> (&y)[4]) {
        const vec<T> even_a = m[1] + m[2], odd_a = m[1] - m[2];
        const vec<T> even_b = m[3] + m[4], odd_b = m[3] - m[4];
        y[0] = m[0] + (even_a + even_b);
        y[1] = multiply_add(T(a), odd_a, T(b) * odd_b);
        y[2] = multiply_add(T(a2), even_a, T(b2) * even_b);
        y[3] = multiply_add(T(b2 * b), odd_b, multiply_add(T(a2 * a), odd_a, m[5]));
    }
};

/// Two outputs of stride 2. Taps 0 and 2 meet the even inputs only: two outputs of a filter of two
/// taps, at 0, 1 and infinity, by three products. Tap 1 meets the odd ones, by a product each.
template <>
struct winograd_line<2, 2> {
    static constexpr int side = 5, filters = 4;

    template <class T>
    MPAR_ALWAYS_INLINE static void input(const vec<T> (&d)[side], vec<T> (&v)[side]) {
        v[0] = d[0] - d[2];
        v[1] = d[2];
        v[2] = d[4] - d[2];
        v[3] = d[1];
        v[4] = d[3];
    }
    static void filter(const double (&g)[3], double (&u)[filters]) {
        u[0] = g[0];
        u[1] = g[0] + g[2];
        u[2] = g[2];
        u[3] = g[1];
    }
    template <class T>
    MPAR_ALWAYS_INLINE static void output(const vec<T> (&m)[side], vec<T> (&y)[2]) {
        y[0] = m[0] + m[1] + m[3];
        y[1] = m[1] + m[2] + m[4];
    }
};

/// Four outputs of stride 2, whose even inputs are evaluated at a, -a, b, -b and infinity.
template <>
struct winograd_line<4, 2> {
    static constexpr int side = 9, filters = 6;
    static constexpr double a = 0.375, b = 1.125, a2 = a * a, b2 = b * b;

    template <class T>
    MPAR_ALWAYS_INLINE static void input(const vec<T> (&d)[side], vec<T> (&v)[side]) {
        const vec<T> odd_a = multiply_add(-T(b2), d[2], d[6]);
        const vec<T> even_a = multiply_add(-T(b2), d[0], d[4]);
        const vec<T> odd_b = multiply_add(-T(a2), d[2], d[6]);
        const vec<T> even_b = multiply_add(-T(a2), d[0], d[4]);
        v[0] = multiply_add(T(a), even_a, odd_a);
        v[1] = multiply_add(-T(a), even_a, odd_a);
        v[2] = multiply_add(T(b), even_b, odd_b);
        v[3] = multiply_add(-T(b), even_b, odd_b);
        v[4] = multiply_add(T(a2 * b2), d[0], multiply_add(-T(a2 + b2), d[4], d[8]));
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) v[5 + i] = d[2 * i + 1];
    }
    static void filter(const double (&g)[3], double (&u)[filters]) {
        constexpr double points[4] = {a, -a, b, -b};
        for (int i = 0; i < 4; ++i) {
            const double p = points[i];
            double product = 1;
            for (const double q : points) product *= p == q ? 1 : p - q;
            u[i] = multiply_add(p, g[2], g[0]) / product;
        }
        u[4] = g[2];
        u[5] = g[1];
    }
    template <class T>
    MPAR_ALWAYS_INLINE static void output(const vec<T> (&m)[side], vec<T> (&y)[4]) {
        const vec<T> even_a = m[0] + m[1], odd_a = m[0] - m[1];
        const vec<T> even_b = m[2] + m[3], odd_b = m[2] - m[3];
        y[0] = m[5] + (even_a + even_b);
        y[1] = multiply_add(T(b), odd_b, multiply_add(T(a), odd_a, m[6]));
        y[2] = multiply_add(T(b2), even_b, multiply_add(T(a2), even_a, m[7]));
        y[3] = multiply_add(T(b2 * b), odd_b, multiply_add(T(a2 * a), odd_a, m[8] + m[4]));
    }
};

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
