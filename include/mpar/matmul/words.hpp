// SPDX-License-Identifier: MIT
// Words that a product moves, by arithmetic, and the fewest that it must. Knows no message.
#pragma once

#include <mpar/core/numeric.hpp>
#include <mpar/matmul/grid.hpp>

#include <algorithm>
#include <vector>

namespace mpar::matmul {

/// Words (elements) that a rank receives: what it needs and does not own, and for the part of C that
/// it owns a summand from each other slice of K.
constexpr long words_received(const plan& p, const place& at) {
    long words = 0;
    if (computes(p, at)) {
        const long depth = depth_of(p, at).size();
        words += rows_of(p, at).size() * depth - owned_a(p, at).count();
        words += columns_of(p, at).size() * depth - owned_b(p, at).count();
    }
    for (int l = 0; l < p.ranks.r; ++l) {
        const place other{at.i, at.j, l};
        if (l != at.l && computes(p, other)) words += owned_c(p, at).count();
    }
    return words;
}

/// The most that a rank receives.
constexpr long words_of(const plan& p) {
    long most = 0;
    for (int rank = 0; rank < p.ranks.ranks(); ++rank) {
        most = std::max(most, words_received(p, place_of(p.ranks, rank)));
    }
    return most;
}

/// All p x q x r with that product.
inline std::vector<grid> grids_of(int ranks) {
    std::vector<grid> all;
    for (int p = 1; p <= ranks; ++p) {
        for (int q = 1; ranks % p == 0 && q <= ranks / p; ++q) {
            if (ranks / p % q == 0) all.push_back({p, q, ranks / p / q});
        }
    }
    return all;
}

/// The fewest words that a rank of that grid must receive: the mean over its ranks, which the
/// greatest cannot be below. Where each element of A and B lies once before and each of C once after,
/// a block of A that q ranks multiply must reach q - 1 of them, a block of B p - 1, and r summands
/// of an element of C make r - 1 that travel: ((q-1) MK + (p-1) KN + (r-1) MN) / P, for dimensions
/// that are no shorter than the grid.
constexpr double least_words(const sizes& s, const grid& g) {
    const double m = s.m, n = s.n, k = s.k;
    return ((g.q - 1) * m * k + (g.p - 1) * k * n + (g.r - 1) * m * n) / g.ranks();
}

/// The same over all grids of so many ranks: what no product of this kind goes below.
/// Kwasniewski et al., "Red-blue pebbling revisited" (SC'19), and Demmel et al., "Communication-
/// optimal parallel recursive rectangular matrix multiplication" (IPDPS'13), have the continuous
/// minimum, 3 (MNK/P)^(2/3) words that a rank touches; this one is exact for the grids there are.
inline double lower_bound_words(const sizes& s, int ranks) {
    const auto grids = grids_of(ranks);
    double least = least_words(s, grids.front());
    for (const auto& g : grids) least = std::min(least, least_words(s, g));
    return least;
}

}  // namespace mpar::matmul
