// SPDX-License-Identifier: MIT
// A net divided into the stages of a pipeline of equal work. Knows the tape, no rank.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/graph/tape.hpp>

#include <algorithm>
#include <span>

namespace mpar {

namespace detail {

/// Runs of instructions that stay together: a layer, or a whole residual block or concat.
struct tape_piece {
    int begin = 0, end = 0;
    long flops = 0;
};

template <class = void>
constexpr growing<tape_piece> pieces_of(std::span<const instruction> tape, shape x) {
    struct frame {
        shape entry, joined;
    };
    growing<frame> frames;
    growing<tape_piece> pieces;
    for (int i = 0; i < int(tape.size()); ++i) {
        if (frames.empty()) pieces.push_back({i, i, 0});
        auto& piece = pieces.back();
        piece.end = i + 1;
        const auto& entry = tape[std::size_t(i)];
        switch (entry.what) {
            case instruction::kind::residual_begin:
            case instruction::kind::concat_begin: frames.push_back({x, {x.n, 0, 0, 0}}); break;
            case instruction::kind::skip_begin: x = frames.back().entry; break;
            case instruction::kind::residual_end: frames.pop_back(); break;
            case instruction::kind::next_arm:
            case instruction::kind::concat_end: {
                auto& f = frames.back();
                f.joined = {x.n, f.joined.c + x.c, x.h, x.w};
                x = entry.what == instruction::kind::next_arm ? f.entry : f.joined;
                if (entry.what == instruction::kind::concat_end) frames.pop_back();
                break;
            }
            case instruction::kind::layer: {
                const operation o = resolve(entry.does, x);
                if (o.kind == op::nothing) break;
                const shape y =
                    o.kind == op::global_avg_pool ? shape{x.n, x.c, 1, 1} : output_shape(o, x);
                piece.flops += o.kind == op::global_avg_pool ? x.count() : flops(o, whole(y), x);
                x = y;
                break;
            }
        }
    }
    return pieces;
}

}  // namespace detail

/// A placing for each instruction of a tape: `stages` stages (fewer where there are fewer pieces
/// to divide), none of which has more operations than need be. Blocks are not divided.
/// Cost: O(pieces^2 * stages).
template <class = void>
[[gnu::cold]] constexpr growing<placing> balanced_stages(std::span<const instruction> tape,
                                                         const shape& input, int stages) {
    const auto pieces = detail::pieces_of(tape, input);
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
    growing<placing> placings(tape.size());
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
