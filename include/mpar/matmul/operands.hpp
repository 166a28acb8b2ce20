// SPDX-License-Identifier: MIT
// Whether the matrices that a rank comes with are those of the plan. Knows sizes, no element.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/matmul/grid.hpp>
#include <mpar/tensor/matrix.hpp>

#include <string>

namespace mpar::matmul {

namespace detail {

template <class T>
void require_size(char name, matrix<T> m, long rows, long columns) {
    if (m.rows == rows && m.columns == columns && m.stride >= columns) return;
    throw error(fault::usage, std::string("mpar: of a matrix product a rank's block of ") + name +
                                  " is " + std::to_string(rows) + " x " + std::to_string(columns) +
                                  ", not " + std::to_string(m.rows) + " x " +
                                  std::to_string(m.columns) + " with a stride of " +
                                  std::to_string(m.stride));
}

}  // namespace detail

/// The plan is one for so many ranks. throws: error(usage). The same on all ranks.
inline void require_ranks(const plan& p, int ranks) {
    if (p.ranks.ranks() == ranks) return;
    throw error(fault::usage, "mpar: a matrix product is planned for " +
                                  std::to_string(p.ranks.ranks()) + " ranks, there are " +
                                  std::to_string(ranks));
}

/// Blocks are as the plan has them. collective. throws: error(usage) on every rank.
template <class T>
void require_blocks(const plan& p, communicator& comm, matrix<const T> a, matrix<const T> b,
                    matrix<T> c) {
    require_ranks(p, comm.size());
    agree(comm, [&] {
        const place at = place_of(p.ranks, comm.rank());
        const auto size = [](const area& x, auto check) { check(x.rows.size(), x.columns.size()); };
        size(owned_a(p, at), [&](int i, int j) { detail::require_size('A', a, i, j); });
        size(owned_b(p, at), [&](int i, int j) { detail::require_size('B', b, i, j); });
        size(owned_c(p, at), [&](int i, int j) { detail::require_size('C', c, i, j); });
    });
}

/// Matrices are whole. throws: error(usage). The same on all ranks.
template <class T>
void require_whole(const plan& p, matrix<const T> a, matrix<const T> b, matrix<T> c) {
    detail::require_size('A', a, p.of.m, p.of.k);
    detail::require_size('B', b, p.of.k, p.of.n);
    detail::require_size('C', c, p.of.m, p.of.n);
}

}  // namespace mpar::matmul
