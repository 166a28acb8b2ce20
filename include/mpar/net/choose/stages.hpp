// SPDX-License-Identifier: MIT
// A net divided into the stages of a pipeline of equal work. Knows the graph, no rank.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/graph/graph.hpp>

#include <algorithm>
#include <span>

namespace mpar {

namespace detail {

/// Nodes that stay in one stage: a single node, or a whole residual block or concat.
struct graph_piece {
    int begin = 0, end = 0;
    long flops = 0;
};

/// The pieces of a graph. One ends where nothing later reads more than what its last node gives.
template <class OnlyIfCalled = void>
constexpr growing<graph_piece> pieces_of(const graph& net, const shape& input) {
    growing<int> last_reader(net.size() + 1, -1);
    for (int i = 0; i < int(net.size()); ++i) {
        for (const int v : net.inputs(std::size_t(i))) last_reader[std::size_t(v)] = i;
    }
    growing<shape> values(1, input);
    growing<graph_piece> pieces;
    int open = last_reader[0];  // the last node that reads a value from before this piece's end
    for (int i = 0; i < int(net.size()); ++i) {
        if (pieces.empty()) pieces.push_back({i, i, 0});
        auto& piece = pieces.back();
        growing<shape> x;
        for (const int v : net.inputs(std::size_t(i))) x.push_back(values[std::size_t(v)]);
        const operation o = resolve(net[std::size_t(i)].does, x);
        const shape y = output_shape(o, x);
        piece.flops += flops(o, whole(y), x.empty() ? y : x[0]);
        values.push_back(y);
        piece.end = i + 1;
        if (open > i) {
            open = std::max(open, last_reader[std::size_t(i) + 1]);
        } else {
            open = last_reader[std::size_t(i) + 1];
            if (i + 1 < int(net.size())) pieces.push_back({i + 1, i + 1, 0});
        }
    }
    return pieces;
}

}  // namespace detail

/// A placing for each node of a graph: `stages` stages (fewer where there are fewer pieces
/// to divide), none of which has more operations than need be. Blocks are not divided.
/// Cost: O(pieces^2 * stages).
template <class OnlyIfCalled = void>
[[gnu::cold]] constexpr growing<placing> balanced_stages(const graph& net, const shape& input,
                                                         int stages) {
    const auto pieces = detail::pieces_of(net, input);
    const int n = int(pieces.size());
    stages = std::max(1, std::min(stages, n));
    growing<long> sum(std::size_t(n + 1), 0);
    for (int i = 0; i < n; ++i) {
        sum[std::size_t(i + 1)] = sum[std::size_t(i)] + pieces[std::size_t(i)].flops;
    }
    // least[s][i]: the greatest work of s + 1 stages that do pieces [0, i), as small as can be.
    using row = growing<long>;
    growing<row> least(std::size_t(stages), row(std::size_t(n + 1), 0));
    growing<growing<int>> begins(std::size_t(stages), growing<int>(std::size_t(n + 1), 0));
    for (int i = 0; i <= n; ++i) least[0][std::size_t(i)] = sum[std::size_t(i)];
    for (int s = 1; s < stages; ++s) {
        for (int i = 0; i <= n; ++i) {
            long& best = least[std::size_t(s)][std::size_t(i)];
            best = least[std::size_t(s - 1)][std::size_t(i)];
            begins[std::size_t(s)][std::size_t(i)] = i;
            for (int j = 0; j < i; ++j) {
                const long most = std::max(least[std::size_t(s - 1)][std::size_t(j)],
                                           sum[std::size_t(i)] - sum[std::size_t(j)]);
                if (most < best) best = most, begins[std::size_t(s)][std::size_t(i)] = j;
            }
        }
    }
    growing<placing> placings(net.size());
    for (int s = stages - 1, end = n; s >= 0; --s) {
        const int begin = s ? begins[std::size_t(s)][std::size_t(end)] : 0;
        for (int i = begin; i < end; ++i) {
            const auto& p = pieces[std::size_t(i)];
            for (int k = p.begin; k < p.end; ++k) {
                placings[std::size_t(k)] = {policy::stage, s};
            }
        }
        end = begin;
    }
    return placings;
}

}  // namespace mpar
