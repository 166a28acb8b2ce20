// SPDX-License-Identifier: MIT
// What becomes of a tile's inputs, of a filter and of a tile's products in Winograd's filtering:
// Line (winograd_lines.hpp) along rows, then columns. Knows pointers, no layer.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/cpu/winograd/lines.hpp>
#include <mpar/tensor/shape.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Transforms a tile's inputs d: v = B' d B, of which v[i][j] is written to to + (i*side + j)*step.
/// requires: pixels side by side, rows `row` apart. Some of the rows at a time, as all together do
/// not fit the registers.
template <class Line, class T>
void transform_inputs(const T* from, long row, T* to, long step) {
    constexpr int side = Line::side, some = side < 9 ? (side + 1) / 2 : 3, V = lanes<T>;
#pragma GCC unroll 3
    for (int first = 0; first < side; first += some) {
        vec<T> half[some][side], d[side], v[side];
#pragma GCC unroll 9
        for (int j = 0; j < side; ++j) {
#pragma GCC unroll 9
            for (int i = 0; i < side; ++i) d[i] = load<T>(from + i * row + j * V);
            Line::template input<T>(d, v);
#pragma GCC unroll 9
            for (int i = 0; i < some; ++i) {
                if (first + i < side) half[i][j] = v[first + i];
            }
        }
#pragma GCC unroll 9
        for (int i = 0; i < some; ++i) {
            if (first + i >= side) continue;
            Line::template input<T>(half[i], v);
#pragma GCC unroll 9
            for (int j = 0; j < side; ++j) store<T>(to + ((first + i) * side + j) * step, v[j]);
        }
    }
}

/// Transforms a filter g: u = G g G'.
template <class Line>
void transform_filter(const double (&g)[3][3], double (&u)[Line::filters][Line::filters]) {
    double half[3][Line::filters];
    for (int i = 0; i < 3; ++i) Line::filter(g[i], half[i]);
    for (int j = 0; j < Line::filters; ++j) {
        double v[Line::filters];
        Line::filter({half[0][j], half[1][j], half[2][j]}, v);
        for (int i = 0; i < Line::filters; ++i) u[i][j] = v[i];
    }
}

/// Where a tile's outputs go, and what is added to them.
template <class T>
struct winograd_outputs {
    T* y = nullptr;  ///< the tile's first output, which may lie outside
    long row = 0;
    const T* residual = nullptr;  ///< laid out as y is; nullptr: nothing is added
    long residual_row = 0;
    const T* bias = nullptr;
    bounds<T> within{};
    range rows, columns;  ///< those of the tile that are written
};

/// y = A' m A + bias + residual, between bounds, for the products m[side][side]. As many rows at a
/// time as the registers hold.
template <int Tile, class Line, class T>
void transform_outputs(const T* m, const winograd_outputs<T>& to) {
    constexpr int side = Line::side, V = lanes<T>;
    constexpr int some = MPAR_VECTOR_BYTES == 64 ? Tile / 2 : 1, passes = Tile / some;
    const vec<T> bias = load<T>(to.bias);
    const vec<T> low = broadcast<T>(to.within.low), high = broadcast<T>(to.within.high);
#pragma GCC unroll 4
    for (int first = 0; first < passes; ++first) {
        vec<T> half[some][side], d[side], y[Tile];
#pragma GCC unroll 9
        for (int j = 0; j < side; ++j) {
#pragma GCC unroll 9
            for (int i = 0; i < side; ++i) d[i] = load<T>(m + (i * side + j) * V);
            Line::template output<T>(d, y);
#pragma GCC unroll 9
            for (int i = 0; i < some; ++i) half[i][j] = y[first + passes * i];
        }
#pragma GCC unroll 9
        for (int k = 0; k < some; ++k) {
            const int i = first + passes * k;
            if (i < to.rows.lo || i >= to.rows.hi) continue;
            Line::template output<T>(half[k], y);
#pragma GCC unroll 9
            for (int j = 0; j < Tile; ++j) {
                if (j < to.columns.lo || j >= to.columns.hi) continue;
                vec<T> sum = y[j] + bias;
                if (to.residual) sum += load<T>(to.residual + i * to.residual_row + j * V);
                if (to.within.any) sum = bounded<T>(sum, low, high);
                store<T>(to.y + i * to.row + j * V, sum);
            }
        }
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
