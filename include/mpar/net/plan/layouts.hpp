// SPDX-License-Identifier: MIT
// From policies to layouts: which an operation can follow, what it then gives, and in which layout it
// reads. Knows no plan.
#pragma once

#include <mpar/operators/operation.hpp>
#include <mpar/shard/layout.hpp>
#include <mpar/shard/policy.hpp>

namespace mpar {

/// Whether the layer can follow a policy, whatever its input's layout. Batches can always be cut.
constexpr bool can_follow(const operation& o, policy p) {
    const index_map x = index_map_of(o);
    const bool reads_all = x.channels == channel_map::all;
    switch (p) {
        case policy::rows:
        case policy::cols:
        case policy::tiles: return !x.all_rows;
        case policy::output: return !reads_all || has_filters(o);
        case policy::input:
        case policy::grid: return reads_all && has_filters(o);
        default: return true;
    }
}

/// The layout that a policy asks for, where a pipeline has so many stages.
constexpr layout given_by(const placing& p, int stages = 1) {
    layout l;
    switch (p.how) {
        case policy::batch: return layout::shard_n;
        case policy::rows: return layout::shard_h;
        case policy::cols: return layout::shard_w;
        case policy::tiles: return layout::shard_hw;
        case policy::output:
        case policy::input: return layout::shard_c;
        case policy::grid:  // a part of the second axis' part: what is reduced along the first
            l.c = {mesh_axis::second, mesh_axis::first};
            return l;
        case policy::stage:
            l.stage = p.stage;
            l.stages = stages;
            return l;
        default: return l;
    }
}

/// Along which axes a policy cuts the sum over input channels, and the layout of the summands.
constexpr axes summed_by(policy p) {
    if (p == policy::input) return model_axes;
    return p == policy::grid ? axes{mesh_axis::first} : axes{};
}
constexpr layout summands_of(policy p) {
    layout l;
    l.partial = summed_by(p);
    if (p == policy::grid) l.c = mesh_axis::second;
    return l;
}

/// The layout rule of a layer that follows what its first input, which comes as `x`, is cut by. It
/// stops where a sum over a cut dimension would begin: cut rows and columns become cut channels where
/// those are independent, else the whole.
constexpr layout following(const operation& o, layout x) {
    const index_map a = index_map_of(o);
    if (x.n.empty()) x.n = mesh_axis::data;
    if (a.mixes_channels()) x.c = {};
    const auto give_up = [&](axes& cut) {
        if (!a.mixes_channels()) x.c = x.c.then(cut);
        cut = {};
    };
    if (a.all_columns) give_up(x.w);
    if (a.all_rows) give_up(x.h);
    return x;
}

/// What the layer gives when asked by `p` (an override or its own policy) and its first input comes as
/// `x`.
constexpr layout output_layout(const operation& o, const placing& p, const layout& x,
                               int stages = 1) {
    return p.how == policy::follow ? following(o, x) : given_by(p, stages);
}

/// The layout of a parameter of a step whose output lies as `y`: rows are cut as y's channels are,
/// columns as the sum over input channels is; along all other axes lie copies.
constexpr layout parameter_layout(const parameter_form& p, const layout& y) {
    layout l = layout::everywhere;
    if (p.rows == cut_as::outputs) l.n = y.c;
    if (p.columns == cut_as::summed) l.c = y.partial;
    l.stage = y.stage;
    l.stages = y.stages;
    return l;
}

/// The layout in which an input that is read so is taken in order to give `y`: the same cut, or whole
/// where all of it is read; of summands, the channels that they sum.
constexpr layout input_layout(const index_map& x, layout y) {
    if (!y.partial.empty()) {
        y.c = y.partial;
        y.partial = {};
    } else if (x.mixes_channels() && x.channels != channel_map::grouped) {
        y.c = {};
    }
    if (x.all_rows) y.h = {};
    if (x.all_columns) y.w = {};
    return y;
}

}  // namespace mpar
