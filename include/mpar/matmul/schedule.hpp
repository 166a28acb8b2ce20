// SPDX-License-Identifier: MIT
// In which order a rank multiplies its panels, and whence they come. Knows no memory and no MPI.
#pragma once

#include <mpar/comm/traffic.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/matmul/grid.hpp>

#include <algorithm>
#include <vector>

namespace mpar::matmul {

/// A panel of A or B as one rank sees it: its own, or received from `from`; sent on to `to`.
struct panel {
    int from = -1;  ///< -1: owned
    std::vector<int> to;
};

/// C += A[:, k] B[k, :].
struct turn {
    range k;      ///< of the whole product's
    int tag = 0;  ///< of the messages that bring its panels; a pair of ranks exchanges one at most
    panel a, b;
};

namespace detail {

/// Panels are at least so deep, for the kernel's sake, and two of them so many words, for the
/// messages'.
inline constexpr int least_depth = 512;
inline constexpr long least_words = 1L << 16;

/// The pieces of a slice of K that have one owner in A and one in B, none too deep.
inline std::vector<turn> pieces(const plan& p, range slice) {
    const grid& g = p.ranks;
    std::vector<int> ends;
    for (int j = 0; j < g.q; ++j) ends.push_back(cut(slice, {j, g.q}).hi);
    for (int i = 0; i < g.p; ++i) ends.push_back(cut(slice, {i, g.p}).hi);
    std::sort(ends.begin(), ends.end());
    const long travelling =
        (g.q > 1 ? ceil_div(p.of.m, g.p) : 0) + (g.p > 1 ? ceil_div(p.of.n, g.q) : 0);
    const long depth = travelling == 0 || p.how == algorithm::cannon
                           ? std::max(1, slice.size())
                           : std::max<long>({least_depth, detail::least_words / travelling,
                                             ceil_div(slice.size(), 1024)});
    std::vector<turn> all;
    int begin = slice.lo;
    for (const int end : ends) {
        if (end <= begin) continue;
        const long parts = ceil_div<long>(end - begin, depth);
        for (long part = 0; part < parts; ++part) {
            const range k = cut({begin, end}, {int(part), int(parts)});
            all.push_back({k, int(all.size()), {}, {}});
        }
        begin = end;
    }
    return all;
}

/// The part of `parts` in which k lies.
constexpr int owner_of(range slice, int k, int parts) {
    int who = 0;
    while (cut(slice, {who, parts}).hi <= k) ++who;
    return who;
}

}  // namespace detail

/// The turns of a rank: first what it owns, then what comes from the next ranks of its row and
/// column. Each panel comes once, in summa from its owner, in cannon from the neighbour who has just
/// used it; the first one there from its owner, who so aligns the blocks.
inline std::vector<turn> schedule(const plan& p, const place& at) {
    const grid& g = p.ranks;
    const range slice = depth_of(p, at);
    auto turns = detail::pieces(p, slice);
    const auto away = [](int from, int to, int parts) { return (from - to + 2 * parts) % parts; };
    // who computes nothing gets nothing that it could pass on
    const bool passes_on = p.how == algorithm::cannon && p.of.m >= g.p && p.of.n >= g.q;
    std::vector<int> order;
    for (auto& t : turns) {
        const int j = detail::owner_of(slice, t.k.lo, g.q),
                  i = detail::owner_of(slice, t.k.lo, g.p);
        // cannon: rank (i, j) multiplies block i + j + step, as does (i, j - 1) one step later
        const int step = away(j, at.i + at.j, g.q);
        order.push_back(passes_on ? step : away(j, at.j, g.q) + away(i, at.i, g.p));
        const auto row = [&](int column) { return rank_of(g, {at.i, column, at.l}); };
        const auto column = [&](int line) { return rank_of(g, {line, at.j, at.l}); };
        const auto wants = [&](const place& other) { return computes(p, other); };
        const bool mine = wants(at);
        if (passes_on) {
            const int left = (at.j + g.q - 1) % g.q, up = (at.i + g.p - 1) % g.p;
            if (j != at.j && mine) t.a.from = row(step == 0 ? j : (at.j + 1) % g.q);
            if (i != at.i && mine) t.b.from = column(step == 0 ? i : (at.i + 1) % g.p);
            // to the neighbour for its next step, unless this is the last one or it is the owner
            if (step < g.q - 1 && left != j) t.a.to.push_back(row(left));
            if (step < g.q - 1 && up != i) t.b.to.push_back(column(up));
            // an owner also serves who begins with its block
            const int first_a = away(j, at.i, g.q), first_b = away(i, at.j, g.q);
            if (j == at.j && first_a != at.j) t.a.to.push_back(row(first_a));
            if (i == at.i && first_b != at.i) t.b.to.push_back(column(first_b));
        } else {
            if (j != at.j && mine) t.a.from = row(j);
            if (i != at.i && mine) t.b.from = column(i);
            // the next rank needs it first
            for (int d = 1; j == at.j && d < g.q; ++d)
                t.a.to.push_back(row((at.j + g.q - d) % g.q));
            for (int d = 1; i == at.i && d < g.p; ++d)
                t.b.to.push_back(column((at.i + g.p - d) % g.p));
        }
        std::erase_if(t.a.to, [&](int rank) { return !wants(place_of(g, rank)); });
        std::erase_if(t.b.to, [&](int rank) { return !wants(place_of(g, rank)); });
    }
    std::vector<std::size_t> by(turns.size());
    for (std::size_t n = 0; n < by.size(); ++n) by[n] = n;
    std::stable_sort(by.begin(), by.end(), [&](auto x, auto y) { return order[x] < order[y]; });
    std::vector<turn> sorted;
    for (const auto n : by) sorted.push_back(std::move(turns[n]));
    return sorted;
}

/// What a rank receives and sends in words (elements) in place of bytes.
inline traffic predicted(const plan& p, const place& at) {
    traffic words;
    const long rows = rows_of(p, at).size(), columns = columns_of(p, at).size();
    const auto add = [&](const panel& travels, long count) {
        if (travels.from >= 0) words += {.bytes_received = count, .messages_received = 1};
        const long copies = long(travels.to.size());
        words += {.bytes_sent = copies * count, .messages_sent = copies};
    };
    for (const auto& t : schedule(p, at)) {
        add(t.a, rows * t.k.size());
        add(t.b, columns * t.k.size());
    }
    for (int l = 0; l < p.ranks.r; ++l) {
        const place other{at.i, at.j, l};
        if (l == at.l) continue;
        const long theirs = owned_c(p, other).count(), mine = owned_c(p, at).count();
        if (computes(p, other) && mine > 0)
            words += {.bytes_received = mine, .messages_received = 1};
        if (computes(p, at) && theirs > 0) words += {.bytes_sent = theirs, .messages_sent = 1};
    }
    return words;
}

}  // namespace mpar::matmul
