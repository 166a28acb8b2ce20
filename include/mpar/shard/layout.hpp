// SPDX-License-Identifier: MIT
// Which part of a tensor each rank owns. Knows no layer and no message.
#pragma once

#include <mpar/core/numeric.hpp>
#include <mpar/shard/axes.hpp>
#include <mpar/tensor/shape.hpp>

#include <string>

namespace mpar {

/// Where a tensor lives on a mesh: which axes cut which of its dimensions. What no axis cuts is
/// whole along it; axes that cut nothing hold copies. Images are always cut over the data axis, but
/// for `everywhere`.
struct layout {
    axes n{mesh_axis::data}, c, h, w;
    axes partial;    ///< ranks along these hold summands of it
    int stage = -1;  ///< the stage of a pipeline whose one seat has it; -1: all seats
    int stages = 1;

    constexpr bool operator==(const layout&) const = default;

    static const layout everywhere;  ///< whole on every rank, of all images
    static const layout replicate;   ///< whole on every rank of the model axis
    static const layout shard_n, shard_c, shard_h, shard_w, shard_hw;

    /// Whether the first dimension is cut along the model axis.
    constexpr bool cuts_images() const {
        return n.count > 1 || (n.count == 1 && n[0] != mesh_axis::data);
    }
    /// Whether every seat of the model axis has all of it.
    constexpr bool is_whole() const {
        return !cuts_images() && c.empty() && h.empty() && w.empty() && partial.empty() &&
               stage < 0;
    }
    /// The seat of the model axis that has it. requires: a stage.
    constexpr int stage_seat(const seat& who) const {
        return static_cast<int>(long(stage) * who.model() / stages);
    }
    /// Whether copies of it lie along an axis.
    constexpr bool is_copied_along(mesh_axis a) const {
        if (stage >= 0 && a != mesh_axis::data) return false;
        return !n.has(a) && !c.has(a) && !h.has(a) && !w.has(a) && !partial.has(a);
    }
};

inline constexpr layout layout::everywhere{.n = {}, .c = {}, .h = {}, .w = {}, .partial = {}};
inline constexpr layout layout::replicate{};
inline constexpr layout layout::shard_n{.n = {mesh_axis::data, mesh_axis::first, mesh_axis::second},
                                        .c = {},
                                        .h = {},
                                        .w = {},
                                        .partial = {}};
inline constexpr layout layout::shard_c{.c = model_axes, .h = {}, .w = {}, .partial = {}};
inline constexpr layout layout::shard_h{.c = {}, .h = model_axes, .w = {}, .partial = {}};
inline constexpr layout layout::shard_w{.c = {}, .h = {}, .w = model_axes, .partial = {}};
inline constexpr layout layout::shard_hw{
    .c = {}, .h = {mesh_axis::first}, .w = {mesh_axis::second}, .partial = {}};

/// "replicate", "shard<C>", "shard<H, W>", "partial", "shard<C>, partial", "stage<2>".
inline std::string name_of(const layout& l) {
    std::string cut, name;
    const auto add = [&](bool is, const char* dimension) {
        if (is) cut += (cut.empty() ? "" : ", ") + std::string(dimension);
    };
    add(l.cuts_images(), "N");
    add(!l.c.empty(), "C");
    add(!l.h.empty(), "H");
    add(!l.w.empty(), "W");
    if (!cut.empty()) name = "shard<" + cut + ">";
    if (!l.partial.empty()) name += (name.empty() ? "" : ", ") + std::string("partial");
    if (l.stage >= 0)
        name += (name.empty() ? "" : ", ") + ("stage<" + std::to_string(l.stage) + ">");
    return name.empty() ? "replicate" : name;
}

/// Part `who.rank` of [0, extent) in `who.ranks` parts that differ by at most one grain:
/// [ceil(rank*E/P), ceil((rank+1)*E/P)). Parts are multiples of `grain` but for the last, and may
/// be empty. Rounding up keeps the cuts of a layer of stride 2 aligned to its input's: each
/// boundary then moves one row of a 3x3 window, and none of a 1x1. Cuts nest: part q of Q is parts
/// [q*R, (q+1)*R) of Q*R.
constexpr range cut(int extent, const seat& who, int grain = 1) {
    const long units = ceil_div(extent, grain);
    const auto at = [&](long i) {
        return static_cast<int>(
            std::min<long>(extent, ceil_div(i * units, long(who.ranks)) * grain));
    };
    return {at(who.rank), at(who.rank + 1)};
}

/// How many of those parts have something of `r`. requires: r within [0, extent).
constexpr int parts_of(range r, int extent, int parts, int grain = 1) {
    if (r.empty()) return 0;
    const long units = ceil_div(extent, grain), first = r.lo / grain, last = (r.hi - 1) / grain;
    if (parts > units) return int(last - first + 1);  // one unit each, where there is any
    return int(last * parts / units - first * parts / units + 1);
}

/// The part of [0, extent) that a seat has when some axes of its mesh cut it.
constexpr range cut(int extent, const axes& along, const seat& who, int grain = 1) {
    if (along.empty()) return {0, extent};
    return cut(extent, seat{along.part(who), along.parts(who)}, grain);
}

/// The grains of a tensor: how many channels, rows, columns and, along the first dimension, images or
/// outputs of a parameter stay together when it is cut.
struct grains {
    int c = 1, h = 1, w = 1, n = 1;
};

/// The box that a rank owns.
/// before: shard_h of 7 rows on 4 ranks   after: [0 2) [2 4) [4 6) [6 7)
constexpr box owned(const layout& where, const shape& s, const seat& who, const grains& by = {}) {
    if (where.stage >= 0 && who.rank % who.model() != where.stage_seat(who)) return {};
    return {cut(s.n, where.n, who, by.n), cut(s.c, where.c, who, by.c),
            cut(s.h, where.h, who, by.h), cut(s.w, where.w, who, by.w)};
}

}  // namespace mpar
