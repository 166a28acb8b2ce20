// SPDX-License-Identifier: MIT
// Which part of a product each rank computes and which parts of the matrices it owns. Knows no
// message.
#pragma once

#include <mpar/shard/layout.hpp>
#include <mpar/tensor/shape.hpp>

#include <string_view>

/// Products of matrices that are divided between the ranks of a communicator.
namespace mpar::matmul {

/// C[m x n] = A[m x k] B[k x n].
struct sizes {
    int m = 0, n = 0, k = 0;

    constexpr double flops() const { return 2.0 * m * n * k; }
    constexpr bool operator==(const sizes&) const = default;
};

/// Ranks in p rows and q columns of blocks of C, and r slices of K.
struct grid {
    int p = 1, q = 1, r = 1;

    constexpr int ranks() const { return p * q * r; }
    constexpr bool operator==(const grid&) const = default;
};

enum class algorithm {
    column,  ///< 1 x P x 1: B is cut by columns, A is gathered
    row,     ///< 1 x 1 x P: K is cut, sums are reduced and scattered
    summa,  ///< p x q x 1: C stays, panels of A and B travel from their owners to all who need them
    cannon,    ///< q x q x 1: the same, but blocks go from neighbour to neighbour
    grid3d,    ///< p x q x r: panels as in summa within a slice, sums as in row
    automatic  ///< what moves the fewest words and, among equals, takes the least time by the model
};

constexpr std::string_view name_of(algorithm a) {
    switch (a) {
        case algorithm::column: return "column";
        case algorithm::row: return "row";
        case algorithm::summa: return "summa";
        case algorithm::cannon: return "cannon";
        case algorithm::grid3d: return "grid3d";
        case algorithm::automatic: return "automatic";
    }
    return "?";
}

/// How a product is divided; the same on all ranks. `how` is not automatic any more.
struct plan {
    sizes of;
    algorithm how = algorithm::column;
    grid ranks;
};

/// A rank's place: row i and column j of C's blocks, slice l of K.
struct place {
    int i = 0, j = 0, l = 0;
};

constexpr place place_of(const grid& g, int rank) {
    return {rank / g.r / g.q, rank / g.r % g.q, rank % g.r};
}
constexpr int rank_of(const grid& g, const place& at) { return (at.i * g.q + at.j) * g.r + at.l; }

/// Rows and columns of a matrix.
struct area {
    range rows, columns;

    constexpr long count() const { return long(rows.size()) * columns.size(); }
    constexpr bool operator==(const area&) const = default;
};

/// Part `who` of a range.
constexpr range cut(range whole, seat who) {
    const range part = mpar::cut(whole.size(), who);
    return {whole.lo + part.lo, whole.lo + part.hi};
}

constexpr range rows_of(const plan& p, const place& at) {
    return cut({0, p.of.m}, {at.i, p.ranks.p});
}
constexpr range columns_of(const plan& p, const place& at) {
    return cut({0, p.of.n}, {at.j, p.ranks.q});
}
constexpr range depth_of(const plan& p, const place& at) {
    return cut({0, p.of.k}, {at.l, p.ranks.r});
}

/// What a rank multiplies: a block of C, a slice of K. Empty where either is.
constexpr bool computes(const plan& p, const place& at) {
    return !rows_of(p, at).empty() && !columns_of(p, at).empty() && !depth_of(p, at).empty();
}

/// Each element of A, B and C has one owner; a block that several ranks need is cut between them.
/// A's block (i, l) is needed by q ranks and cut along K, as is B's block (l, j), needed by p.
constexpr area owned_a(const plan& p, const place& at) {
    return {rows_of(p, at), cut(depth_of(p, at), {at.j, p.ranks.q})};
}
constexpr area owned_b(const plan& p, const place& at) {
    return {cut(depth_of(p, at), {at.i, p.ranks.p}), columns_of(p, at)};
}

/// C's block (i, j) is a sum over r ranks, who cut it along its rows, or its columns if these are
/// more: the same way for all blocks.
constexpr bool cuts_rows(const plan& p) {
    return long(p.of.m) * p.ranks.q >= long(p.of.n) * p.ranks.p;
}
constexpr area owned_c(const plan& p, const place& at) {
    const seat who{at.l, p.ranks.r};
    const range rows = rows_of(p, at), columns = columns_of(p, at);
    return cuts_rows(p) ? area{cut(rows, who), columns} : area{rows, cut(columns, who)};
}

}  // namespace mpar::matmul
