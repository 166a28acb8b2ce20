// SPDX-License-Identifier: MIT
// What lies between the layout that a tensor has and the one that a layer takes. Knows no rank.
#pragma once

#include <mpar/shard/layout.hpp>

#include <string_view>

namespace mpar {

/// What moves between two layouts, by the name that the field has for it. All follow one rule: what
/// one rank owns and another reads is sent.
enum class transition {
    nothing,
    slice,
    halo,
    all_gather,
    all_to_all,
    reduce_scatter,
    all_reduce,
    point_to_point
};

constexpr std::string_view name_of(transition t) {
    switch (t) {
        case transition::nothing: return "-";
        case transition::slice: return "slice";
        case transition::halo: return "halo";
        case transition::all_gather: return "all-gather";
        case transition::all_to_all: return "all-to-all";
        case transition::reduce_scatter: return "reduce-scatter";
        case transition::all_reduce: return "all-reduce";
        case transition::point_to_point: return "point-to-point";
    }
    return "?";
}

/// The transition from the layout that a tensor has to the one that its reader takes;
/// `overlapping`: the reader's parts reach beyond the cuts, as those of a window do.
constexpr transition between(const layout& from, const layout& to, bool overlapping) {
    if (!from.partial.empty()) {
        return to.is_whole() ? transition::all_reduce : transition::reduce_scatter;
    }
    if (from == to) return overlapping ? transition::halo : transition::nothing;
    if (from.stage >= 0 || to.stage >= 0) return transition::point_to_point;
    if (from.is_whole() && !to.is_whole()) return transition::slice;
    if (to.is_whole()) return transition::all_gather;
    return transition::all_to_all;
}

}  // namespace mpar
