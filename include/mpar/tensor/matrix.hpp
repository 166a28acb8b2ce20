// SPDX-License-Identifier: MIT
// A matrix in somebody's memory, row after row. Owns nothing, knows no kernel.
#pragma once

#include <type_traits>

namespace mpar {

/// A matrix in somebody's memory: element (i, j) lies at data[i * stride + j].
template <class T>
struct matrix {
    T* data = nullptr;
    long rows = 0, columns = 0, stride = 0;

    T& operator()(long i, long j) const { return data[i * stride + j]; }

    constexpr bool empty() const { return rows <= 0 || columns <= 0; }

    /// The part of `count_i` rows from row `i` on and `count_j` columns from column `j` on.
    constexpr matrix part(long i, long count_i, long j, long count_j) const {
        return {data ? data + i * stride + j : nullptr, count_i, count_j, stride};
    }

    constexpr operator matrix<const T>() const requires(!std::is_const_v<T>) {
        return {data, rows, columns, stride};
    }
};

/// A matrix without gaps between its rows.
template <class T>
constexpr matrix<T> dense_matrix(T* data, long rows, long columns) {
    return {data, rows, columns, columns};
}

}  // namespace mpar
