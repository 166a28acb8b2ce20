// SPDX-License-Identifier: MIT
// Which algorithm and grid a product gets: all are tried by arithmetic. Knows no machine but three
// numbers.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/matmul/schedule.hpp>
#include <mpar/matmul/words.hpp>

#include <optional>
#include <string>
#include <vector>

namespace mpar::matmul {

/// Seconds of a message, of a word in it, of a multiplication or addition. What is here is a core of
/// 100 GFLOP/s and messages within a node.
struct model {
    double alpha = 1e-6, beta = 8e-10, gamma = 1e-11;
};

/// Of the slowest rank, with messages and work one after the other. What must be there before the
/// first multiplication counts twice, for no work hides it, and so do summands, which are also added.
inline double seconds_of(const plan& p, const model& m) {
    double most = 0;
    for (int rank = 0; rank < p.ranks.ranks(); ++rank) {
        const place at = place_of(p.ranks, rank);
        const traffic t = predicted(p, at);
        const long rows = rows_of(p, at).size(), columns = columns_of(p, at).size();
        double words = double(std::max(t.bytes_received, t.bytes_sent));
        if (p.ranks.r > 1) words += double(p.ranks.r - 1) * double(owned_c(p, at).count());
        if (const auto turns = schedule(p, at); !turns.empty()) {
            const auto& first = turns.front();
            words += double((first.a.from < 0 ? 0 : rows) + (first.b.from < 0 ? 0 : columns)) *
                     first.k.size();
        }
        const double messages = double(std::max(t.messages_received, t.messages_sent));
        const double flops = 2.0 * double(rows) * double(columns) * depth_of(p, at).size();
        most = std::max(most, m.alpha * messages + m.beta * words + m.gamma * flops);
    }
    return most;
}

/// What can be done with so many ranks, the plainest first.
inline std::vector<plan> candidates(const sizes& s, algorithm how, int ranks) {
    std::vector<plan> all;
    const auto add = [&](algorithm a, const grid& g) { all.push_back({s, a, g}); };
    const auto is = [&](algorithm a) { return how == a || how == algorithm::automatic; };
    if (is(algorithm::column)) add(algorithm::column, {1, ranks, 1});
    if (is(algorithm::row)) add(algorithm::row, {1, 1, ranks});
    for (const auto& g : grids_of(ranks)) {
        if (is(algorithm::summa) && g.r == 1) add(algorithm::summa, g);
        if (is(algorithm::cannon) && g.r == 1 && g.p == g.q) add(algorithm::cannon, g);
        if (is(algorithm::grid3d) && (how == algorithm::grid3d || g.r > 1))
            add(algorithm::grid3d, g);
    }
    return all;
}

/// The plan of an algorithm: of its grids, and with `automatic` of all algorithms, those that move the
/// fewest words or at most 1 % more than the lower bound; of these the one of the least time.
/// requires: the same arguments on all ranks. throws: error(usage) on every rank.
inline plan choose(const sizes& s, algorithm how, int ranks, const model& m = {}) {
    const auto refuse = [](const std::string& words) {
        throw error(fault::usage, "mpar: a matrix product " + words);
    };
    if (s.m < 0 || s.n < 0 || s.k < 0) {
        refuse("has no negative extents, such as " + std::to_string(s.m) + " x " +
               std::to_string(s.n) + " x " + std::to_string(s.k));
    }
    if (ranks < 1) refuse("has at least one rank, not " + std::to_string(ranks));
    const auto all = candidates(s, how, ranks);
    if (all.empty()) {
        refuse("by cannon takes a square number of ranks, not " + std::to_string(ranks));
    }
    long fewest = words_of(all.front());
    for (const auto& p : all) fewest = std::min(fewest, words_of(p));
    const double enough = std::max(double(fewest), 1.01 * lower_bound_words(s, ranks));
    const plan* best = nullptr;
    double least = 0;
    for (const auto& p : all) {
        if (double(words_of(p)) > enough) continue;
        const double seconds = seconds_of(p, m);
        if (best && !(seconds < least)) continue;
        best = &p;
        least = seconds;
    }
    return *best;
}

/// The plan of a given grid. throws: error(usage) when the algorithm has no such grid.
inline plan on_grid(const sizes& s, algorithm how, const grid& g) {
    for (const auto& p : candidates(s, how, std::max(1, g.ranks()))) {
        if (p.ranks == g) return p;
    }
    throw error(fault::usage, "mpar: a matrix product by " + std::string(name_of(how)) +
                                  " has no grid " + std::to_string(g.p) + " x " +
                                  std::to_string(g.q) + " x " + std::to_string(g.r));
}

}  // namespace mpar::matmul
