// SPDX-License-Identifier: MIT
// Parts of matrices in the order in which the register tile reads them. Knows no cache.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/tile/pair_scale.hpp>
#include <mpar/kernels/cpu/tile/pixels.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/tensor/matrix.hpp>

#include <algorithm>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// How many elements pack_rows writes.
template <class T>
constexpr long packed_rows(long rows, long depth) {
    return rows * round_up<long>(depth, lanes<T>);
}

/// Packs rows as [tile][K/V][row][V]: what a tile multiplies lies together, and its rows side by
/// side.
template <class T>
void pack_rows(matrix<const T> a, const tiling& tiles, T* to) {
    constexpr long V = lanes<T>;
    for (long t = 0; t < tiles.parts; ++t) {
        const long first = tiles.begin(t), last = tiles.begin(t + 1), rows = last - first;
        for (long i = first; i < last; ++i) {
            const T* const from = &a(i, 0);
            T* at = to + (i - first) * V;
            long k = 0;
            for (; k + V <= a.columns; k += V, at += rows * V) store<T>(at, load<T>(from + k));
            if (k < a.columns) std::fill(std::copy_n(from + k, a.columns - k, at), at + V, T(0));
        }
        to += packed_rows<T>(rows, a.columns);
    }
}

/// Scales rows that pack_rows has packed, for paired products, and writes what undoes that for each
/// row and the row's correction.
template <class T>
void pack_row_pairs(matrix<const T> a, const tiling& tiles, T* packed, T* corrections, T* unscale) {
    constexpr long V = lanes<T>;
    const int blocks = int(a.columns / V), all = int(ceil_div(a.columns, V));
    for (long t = 0; t < tiles.parts; ++t) {
        const long first = tiles.begin(t), rows = tiles.begin(t + 1) - first;
        for (long i = 0; i < rows; ++i) {
            T* const at = packed + i * V;
            vec<T> squares{};
            for (int b = 0; b < all; ++b) {
                const vec<T> v = load<T>(at + b * rows * V);
                squares = multiply_add(v, v, squares);
            }
            T sum = 0;
            for (int l = 0; l < V; ++l) sum += squares[l];
            const double square = is_plain(sum) ? double(sum) / double(a.columns)
                                                : mean_square(&a(first + i, 0), a.columns, 1);
            const T scale = T(pair_scale(square));
            for (int b = 0; b < all; ++b) {
                store<T>(at + b * rows * V, load<T>(at + b * rows * V) * scale);
            }
            corrections[first + i] = pair_sums<T>(at, rows * V, blocks).pairs;
            unscale[first + i] = T(pair_unscale(square));
        }
        packed += packed_rows<T>(rows, a.columns);
    }
}

/// Packs columns as [panel][K][2 V], with panels `panel` elements apart. Missing columns are zero.
template <class T>
void pack_columns(matrix<const T> b, T* to, long panel) {
    constexpr long V = lanes<T>, width = 2 * V, line = 64 / long(sizeof(T));
    constexpr long ahead = 4;  // rows: each begins in another page
    const long whole = b.columns / width * width;
    for (long k = 0; k < b.rows; ++k, to += width) {
        const T* const from = &b(k, 0);
        T* at = to;
        for (long j = 0; j < whole; j += width, at += panel) {
            for (long l = 0; l < width; l += line)
                __builtin_prefetch(from + ahead * b.stride + j + l);
            store<T>(at, load<T>(from + j));
            store<T>(at + V, load<T>(from + j + V));
        }
        if (whole < b.columns)
            std::fill(std::copy(from + whole, from + b.columns, at), at + width, T(0));
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
