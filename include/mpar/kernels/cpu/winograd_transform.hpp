// SPDX-License-Identifier: MIT
// Winograd's minimal filtering F(Tile x Tile, 3 x 3) of one tile: what becomes of its inputs, of a
// filter, and of the products. Knows pointers, no layer.
//
// Y = A' [(G g G') . (B' d B)] A (Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2015): A, B, G evaluate and interpolate polynomials at 0, +-a, (+-b,) infinity.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/tensor/shape.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Points of interpolation: a alone for tiles of 2, a and b for tiles of 4. Those of 4 lose the
/// fewest digits among fractions of few bits (tests/kernels/winograd.cpp measures them).
template <int Tile>
struct winograd_points;

template <>
struct winograd_points<2> {
    static constexpr double a = 1;
    static constexpr double finite[3] = {0, a, -a};
};

template <>
struct winograd_points<4> {
    static constexpr double a = 0.75, b = 1.5;
    static constexpr double finite[5] = {0, a, -a, b, -b};
};

/// Inputs, products and transformed filters a side.
template <int Tile>
inline constexpr int winograd_side = Tile + 2;

/// v = B' d
template <int Tile, class T>
MPAR_ALWAYS_INLINE void winograd_input(const vec<T> (&d)[winograd_side<Tile>],
                                       vec<T> (&v)[winograd_side<Tile>]) {
    using points = winograd_points<Tile>;
    if constexpr (Tile == 2) {
        v[0] = d[2] - d[0];
        v[1] = d[2] + d[1];
        v[2] = d[2] - d[1];
        v[3] = d[3] - d[1];
        static_assert(points::a == 1);
    } else {
        constexpr T a = T(points::a), b = T(points::b), a2 = a * a, b2 = b * b;
        const vec<T> even_a = d[4] - b2 * d[2], odd_a = d[3] - b2 * d[1];
        const vec<T> even_b = d[4] - a2 * d[2], odd_b = d[3] - a2 * d[1];
        v[0] = d[4] - (a2 + b2) * d[2] + a2 * b2 * d[0];
        v[1] = even_a + a * odd_a;
        v[2] = even_a - a * odd_a;
        v[3] = even_b + b * odd_b;
        v[4] = even_b - b * odd_b;
        v[5] = d[5] - (a2 + b2) * d[3] + a2 * b2 * d[1];
    }
}

/// u = G g, in double
template <int Tile>
constexpr void winograd_filter(const double (&g)[3], double (&u)[winograd_side<Tile>]) {
    for (int i = 0; i <= Tile; ++i) {
        const double p = winograd_points<Tile>::finite[i];
        double product = 1;
        for (const double q : winograd_points<Tile>::finite) product *= p == q ? 1 : p - q;
        u[i] = (g[0] + p * (g[1] + p * g[2])) / product;
    }
    u[Tile + 1] = g[2];
}

/// y = A' m
template <int Tile, class T>
MPAR_ALWAYS_INLINE void winograd_output(const vec<T> (&m)[winograd_side<Tile>], vec<T> (&y)[Tile]) {
    using points = winograd_points<Tile>;
    if constexpr (Tile == 2) {
        y[0] = m[0] + (m[1] + m[2]);
        y[1] = m[3] + (m[1] - m[2]);
    } else {
        constexpr T a = T(points::a), b = T(points::b), a2 = a * a, b2 = b * b;
        const vec<T> even_a = m[1] + m[2], odd_a = m[1] - m[2];
        const vec<T> even_b = m[3] + m[4], odd_b = m[3] - m[4];
        y[0] = m[0] + (even_a + even_b);
        y[1] = a * odd_a + b * odd_b;
        y[2] = a2 * even_a + b2 * even_b;
        y[3] = m[5] + a2 * a * odd_a + b2 * b * odd_b;
    }
}

/// Product (i, j) of a tile's inputs at to + (i*side + j)*step. requires: pixels side by side, rows
/// `row` apart. Half of the rows at a time, as all products together do not fit the registers.
template <int Tile, class T>
void transform_inputs(const T* from, long row, T* to, long step) {
    constexpr int side = winograd_side<Tile>, some = side / 2, V = lanes<T>;
#pragma GCC unroll 2
    for (int first = 0; first < side; first += some) {
        vec<T> half[some][side], d[side], v[side];
#pragma GCC unroll 6
        for (int j = 0; j < side; ++j) {
#pragma GCC unroll 6
            for (int i = 0; i < side; ++i) d[i] = load<T>(from + i * row + j * V);
            winograd_input<Tile, T>(d, v);
#pragma GCC unroll 6
            for (int i = 0; i < some; ++i) half[i][j] = v[first + i];
        }
#pragma GCC unroll 6
        for (int i = 0; i < some; ++i) {
            winograd_input<Tile, T>(half[i], v);
#pragma GCC unroll 6
            for (int j = 0; j < side; ++j) store<T>(to + ((first + i) * side + j) * step, v[j]);
        }
    }
}

/// Where a tile's outputs go, and what is added to them.
template <class T>
struct winograd_outputs {
    T* y = nullptr;  ///< the tile's first output, which may lie outside
    long row = 0;
    const T* residual = nullptr;  ///< as y; nullptr: none
    long residual_row = 0;
    const T* bias = nullptr;
    bool relu = false;
    range rows, columns;  ///< those of the tile that are written
};

/// y = A' m A + bias + residual for the products m[side][side], one after the other.
template <int Tile, class T>
void transform_outputs(const T* m, const winograd_outputs<T>& to) {
    constexpr int side = winograd_side<Tile>, some = Tile / 2, V = lanes<T>;
    const vec<T> bias = load<T>(to.bias);
#pragma GCC unroll 2
    for (int first = 0; first < 2; ++first) {
        vec<T> half[some][side], d[side], y[Tile];
#pragma GCC unroll 6
        for (int j = 0; j < side; ++j) {
#pragma GCC unroll 6
            for (int i = 0; i < side; ++i) d[i] = load<T>(m + (i * side + j) * V);
            winograd_output<Tile, T>(d, y);
#pragma GCC unroll 6
            for (int i = 0; i < some; ++i) half[i][j] = y[first + 2 * i];
        }
#pragma GCC unroll 6
        for (int k = 0; k < some; ++k) {
            const int i = first + 2 * k;
            if (i < to.rows.lo || i >= to.rows.hi) continue;
            winograd_output<Tile, T>(half[k], y);
#pragma GCC unroll 6
            for (int j = 0; j < Tile; ++j) {
                if (j < to.columns.lo || j >= to.columns.hi) continue;
                vec<T> sum = y[j] + bias;
                if (to.residual) sum += load<T>(to.residual + i * to.residual_row + j * V);
                if (to.relu) sum = sum < vec<T>{} ? vec<T>{} : sum;
                store<T>(to.y + i * to.row + j * V, sum);
            }
        }
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
