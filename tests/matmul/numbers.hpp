// SPDX-License-Identifier: MIT
// Matrices whose product is exact in any order of summation. Knows nothing of ranks.
#pragma once

#include <mpar/matmul/grid.hpp>
#include <mpar/tensor/matrix.hpp>

#include <vector>

namespace matmul_test {

/// Small whole numbers: sums of products are whole and below 2^24, so float holds them.
inline int element_a(int i, int k) { return (i * 31 + k * 17 + i * k) % 13 - 6; }
inline int element_b(int k, int j) { return (k * 29 + j * 23 + k * j) % 11 - 5; }
inline int element_c(int i, int j, int depth) {
    int sum = 0;
    for (int k = 0; k < depth; ++k) sum += element_a(i, k) * element_b(k, j);
    return sum;
}

/// A block in memory of its own with a gap after each row.
template <class T>
struct block {
    mpar::matmul::area where;
    long stride;
    std::vector<T> values;

    block(const mpar::matmul::area& a, long gap)
        : where(a),
          stride(a.columns.size() + gap),
          values(std::size_t(a.rows.size() * stride + 1), T(-99)) {}

    mpar::matrix<T> view() {
        return {values.data(), where.rows.size(), where.columns.size(), stride};
    }
    mpar::matrix<const T> seen() { return view(); }
};

/// m(i, j) = value(i, j), in the whole matrix's indices.
template <class T, class Value>
void set(mpar::matrix<T> m, const mpar::matmul::area& where, Value value) {
    for (long i = 0; i < m.rows; ++i) {
        for (long j = 0; j < m.columns; ++j)
            m(i, j) = T(value(where.rows.lo + int(i), where.columns.lo + int(j)));
    }
}

/// Elements of m that are no product's.
template <class T>
long wrong(mpar::matrix<T> m, const mpar::matmul::area& where, int depth) {
    long count = 0;
    for (long i = 0; i < m.rows; ++i) {
        for (long j = 0; j < m.columns; ++j) {
            count += double(m(i, j)) !=
                     element_c(where.rows.lo + int(i), where.columns.lo + int(j), depth);
        }
    }
    return count;
}

}  // namespace matmul_test
