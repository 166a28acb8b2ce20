// SPDX-License-Identifier: MIT
// Which elements of an input an output element reads: the index map, as a value. Knows no operator.
#pragma once

#include <mpar/core/numeric.hpp>
#include <mpar/tensor/taps.hpp>

#include <algorithm>

namespace mpar {

/// Which of an input's channels the output's channel c reads.
enum class channel_map {
    same,     ///< c alone
    all,      ///< every one
    grouped,  ///< those of c's group
    shifted,  ///< c + shift, where there is such a one; cut channels are gathered first
};

/// What lies beyond the first and the last row and column of an input.
enum class outside {
    zero,      ///< padding, which is a part of what is read
    clamped,   ///< the nearest row or column of the input
    mirrored,  ///< the input's own, turned round at its first or last one
};

/// How an operator reads one of its inputs.
struct index_map {
    sliding window{};
    bool all_rows = false, all_columns = false;  ///< an output reads every one
    channel_map channels = channel_map::same;
    int group_inputs = 1, group_outputs = 1;  ///< grouped: channels of a group
    int shift = 0;                            ///< shifted
    outside beyond = outside::zero;

    constexpr bool mixes_channels() const { return channels != channel_map::same; }
    constexpr bool operator==(const index_map&) const = default;
};

/// Every element: as a fully connected layer reads it.
constexpr index_map maps_everything() {
    return {.all_rows = true, .all_columns = true, .channels = channel_map::all};
}

/// The range of all tiles that `r` touches; 0: of r itself.
constexpr range whole_tiles(range r, int tile, int outputs) {
    if (tile == 0 || r.empty()) return r;
    return {r.lo / tile * tile, std::min(outputs, round_up(r.hi, tile))};
}

namespace detail {

/// The channels read, widened to whole blocks where they are not y's own.
constexpr range channels_read(const index_map& a, range y, int extent, int block) {
    range c{0, extent};
    switch (a.channels) {
        case channel_map::same: return y;
        case channel_map::all: return c;
        case channel_map::grouped:
            c = {y.lo / a.group_outputs * a.group_inputs,
                 ceil_div(y.hi, a.group_outputs) * a.group_inputs};
            break;
        case channel_map::shifted:
            c = intersection({y.lo + a.shift, y.hi + a.shift}, c);
            if (c.empty()) return {};
    }
    return {c.lo / block * block, std::min(extent, round_up(c.hi, block))};
}

/// The rows or columns read along a line of `extent` inputs.
constexpr range line_read(const taps& t, outside beyond, range y, int extent, int tile) {
    const range r = t.reads(whole_tiles(y, tile, t.outputs(extent)));
    const int last = extent - 1;
    switch (beyond) {
        case outside::zero: break;
        case outside::clamped:
            return {std::clamp(r.lo, 0, last), std::clamp(r.hi - 1, 0, last) + 1};
        case outside::mirrored: {
            range inside = intersection(r, {0, extent});
            if (r.lo < 0) inside = hull(inside, {std::max(0, 1 - r.hi), 1 - r.lo});
            if (r.hi > extent) {
                inside = hull(inside, {2 * last - (r.hi - 1), std::min(last, 2 * last - r.lo) + 1});
            }
            return inside;
        }
    }
    return r;
}

}  // namespace detail

/// The index map: what of an input of extents x is read for the part `y` of the output, zero padding
/// included in h and w. Grouped and shifted channels are widened to whole blocks, rows and columns of
/// outputs to whole tiles of `tile` a side (0: none), but for what lies past the last output.
constexpr box box_read(const index_map& a, const box& y, const shape& x, int block = 1,
                       int tile = 0) {
    if (y.empty()) return {};
    box b = whole(x);
    b.n = y.n;
    b.c = detail::channels_read(a, y.c, x.c, block);
    if (b.c.empty()) return {};
    if (!a.all_rows) b.h = detail::line_read(a.window.h, a.beyond, y.h, x.h, tile);
    if (!a.all_columns) b.w = detail::line_read(a.window.w, a.beyond, y.w, x.w, tile);
    return b;
}

}  // namespace mpar
