// SPDX-License-Identifier: MIT
// Which part of a tensor each rank owns. Knows no layer and no message.
#pragma once

#include <mpar/core/numeric.hpp>
#include <mpar/tensor/shape.hpp>

#include <string_view>

namespace mpar {

/// Where a tensor lives along the model axis: whole on every rank, or cut along one dimension.
enum class layout { replicate, shard_n, shard_c, shard_h };

constexpr std::string_view name_of(layout l) {
    switch (l) {
        case layout::replicate: return "replicate";
        case layout::shard_n: return "shard<N>";
        case layout::shard_c: return "shard<C>";
        case layout::shard_h: return "shard<H>";
    }
    return "?";
}

/// The ranks of a mesh axis as seen by one of them.
struct seat {
    int rank = 0, ranks = 1;
};

/// Part `who.rank` of [0, extent) in `who.ranks` parts that differ by at most one grain:
/// [ceil(rank*E/P), ceil((rank+1)*E/P)). Parts are multiples of `grain` but for the last, and may
/// be empty. Rounding up keeps the cuts of a layer of stride 2 aligned to its input's: each
/// boundary then moves one row of a 3x3 window, and none of a 1x1.
constexpr range cut(int extent, seat who, int grain = 1) {
    const long units = ceil_div(extent, grain);
    const auto at = [&](long i) {
        return static_cast<int>(
            std::min<long>(extent, ceil_div(i * units, long(who.ranks)) * grain));
    };
    return {at(who.rank), at(who.rank + 1)};
}

/// The box that a rank owns. Channels are cut in multiples of `block`.
/// before: shard_h of 7 rows on 4 ranks   after: [0 2) [2 4) [4 6) [6 7)
constexpr box owned(layout where, const shape& s, seat who, int block = 1) {
    box b = whole(s);
    switch (where) {
        case layout::replicate: break;
        case layout::shard_n: b.n = cut(s.n, who); break;
        case layout::shard_c: b.c = cut(s.c, who, block); break;
        case layout::shard_h: b.h = cut(s.h, who); break;
    }
    return b;
}

}  // namespace mpar
