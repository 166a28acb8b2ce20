// SPDX-License-Identifier: MIT
// What one layer does, as a small value: its shape rule, which inputs an output reads, its cost.
// Knows no net and no memory.
#pragma once

#include <mpar/shard/layout.hpp>
#include <mpar/shard/policy.hpp>
#include <mpar/tensor/activation.hpp>
#include <mpar/tensor/taps.hpp>

#include <array>
#include <string_view>

namespace mpar {

/// The kinds of work that a plan knows.
enum class op {
    convolution,
    dense,
    batch_norm,
    activate,
    max_pool,
    avg_pool,
    global_avg_pool,  ///< becomes row_sums, then mean_rows
    row_sums,         ///< [N, C, H, W] -> [N, C, H, 1]
    mean_rows,        ///< [N, C, H, 1] -> [N, C, 1, 1]
    add,
    reduce,  ///< sums the summands that ranks have of a tensor, and ends it as a convolution does
    channels,  ///< y's channel c is x's channel c + shift, where x has it
    flatten,
    softmax,
    custom,   ///< a user's layer
    result,   ///< the network's end: read by the caller
    nothing,  ///< identity, dropout: no step at all
};

/// One parameter of a user's layer: its name after the layer's own, and its extents.
struct custom_parameter {
    std::string_view name;
    std::array<int, 4> extents{};
    int rank = 0;

    constexpr long count() const {
        long product = 1;
        for (int i = 0; i < rank; ++i) product *= extents[static_cast<std::size_t>(i)];
        return product;
    }
};

/// The value that a layer's type stands for.
struct operation {
    op kind = op::nothing;
    std::string_view name;         ///< as messages and tables print it
    placing asks;                  ///< how it wants to be computed; of a plan's step: is
    sliding window;                ///< which rows and columns an output reads
    bool same_padding = false;     ///< padding is worked out so that out = ceil(in / stride)
    int in = 0, out = 0;           ///< channels; 0: as many as come
    int groups = 1;                ///< of a convolution
    int shift = 0;                 ///< op::channels: from y's channels to x's
    bool bias = false;             ///< a convolution's or dense layer's own
    bool mixes_channels = false;   ///< an output channel reads all channels (of its group)
    bool mixes_rows = false;       ///< an output row reads all rows
    bool count_padding = true;     ///< avg_pool divides by the whole window
    activation act;                ///< follows in the same step
    double epsilon = 1e-5;         ///< batch_norm's
    double divisor = 1;            ///< mean_rows'
    int flops_per_output = 0;      ///< of a user's layer
    std::array<custom_parameter, 4> parameters{};  ///< of a user's layer
    int parameter_count = 0;
};

/// The operation with its padding and its channels worked out for that input.
constexpr operation resolve(operation o, const shape& x) {
    const auto pad = [](taps& t, int input) {
        const int outputs = ceil_div(input, t.stride);
        const int total = std::max(0, (outputs - 1) * t.stride + t.span() - input);
        t.before = total / 2;
        t.after = total - total / 2;
    };
    if (o.same_padding) {
        pad(o.window.h, x.h);
        pad(o.window.w, x.w);
    }
    if (o.kind == op::channels && o.out == 0) o.out = x.c - o.shift;
    return o;
}

/// The shape rule: what `o`, resolved, gives for x. An extent of 0: the window does not fit.
constexpr shape output_shape(const operation& o, const shape& x) {
    switch (o.kind) {
        case op::row_sums: return {x.n, x.c, x.h, 1};
        case op::mean_rows: return {x.n, x.c, 1, 1};
        case op::flatten: return {x.n, x.c * x.h * x.w, 1, 1};
        default:
            return {x.n, o.out ? o.out : x.c, o.window.h.outputs(x.h), o.window.w.outputs(x.w)};
    }
}

/// The range of all tiles that `r` touches; 0: of r itself.
constexpr range whole_tiles(range r, int tile, int outputs) {
    if (tile == 0 || r.empty()) return r;
    return {r.lo / tile * tile, std::min(outputs, round_up(r.hi, tile))};
}

/// The index map: what of x is read for the part `y` of the output, padding included in h and w.
/// Grouped and shifted channels are widened to whole blocks, rows and columns of outputs to whole tiles of
/// `tile` a side (0: none), but for what lies past the last output.
constexpr box reads(const operation& o, const box& y, const shape& x, int block = 1,
                    int tile = 0) {
    if (y.empty()) return {};
    box b = whole(x);
    b.n = y.n;
    if (o.kind == op::flatten || o.kind == op::result) return b;
    if (o.kind == op::channels) {
        b.c = intersection({y.c.lo + o.shift, y.c.hi + o.shift}, b.c);
        if (b.c.empty()) return {};
        b.c = {b.c.lo / block * block, std::min(x.c, round_up(b.c.hi, block))};
    } else if (!o.mixes_channels) {
        b.c = y.c;
    } else if (o.groups > 1) {
        const int ins = o.in / o.groups, outs = o.out / o.groups;
        b.c = {y.c.lo / outs * ins / block * block,
               std::min(x.c, round_up(ceil_div(y.c.hi, outs) * ins, block))};
    }
    if (!o.mixes_rows) {
        b.h = o.window.h.reads(whole_tiles(y.h, tile, o.window.h.outputs(x.h)));
        if (o.kind != op::row_sums) {
            b.w = o.window.w.reads(whole_tiles(y.w, tile, o.window.w.outputs(x.w)));
        }
    }
    return b;
}

/// Whether the layer can follow a policy, whatever its input's layout. Batches can always be cut.
constexpr bool can_follow(const operation& o, policy p) {
    const bool has_filters = o.kind == op::convolution || o.kind == op::dense;
    switch (p) {
        case policy::rows:
        case policy::cols:
        case policy::tiles: return !o.mixes_rows;
        case policy::output: return !o.mixes_channels || has_filters || o.kind == op::channels;
        case policy::input:
        case policy::grid: return o.mixes_channels && has_filters && o.groups == 1;
        default: return true;
    }
}

/// The layout that a policy asks for; of a pipeline of so many stages.
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

/// The layout rule of a layer that follows what its input, which comes as `x`, is cut by. It stops
/// where a sum over a cut dimension would begin: cut rows and columns become cut channels where
/// those are independent, else the whole.
constexpr layout following(const operation& o, layout x) {
    if (x.n.empty()) x.n = mesh_axis::data;
    if (o.mixes_channels) x.c = {};
    const auto give_up = [&](axes& cut) {
        if (!o.mixes_channels) x.c = x.c.then(cut);
        cut = {};
    };
    if (o.mixes_rows || o.kind == op::row_sums) give_up(x.w);
    if (o.mixes_rows) give_up(x.h);
    return x;
}

/// What the layer gives when asked by `p` (an override or its own policy) and its input comes as
/// `x`.
constexpr layout output_layout(const operation& o, const placing& p, const layout& x,
                               int stages = 1) {
    return p.how == policy::follow ? following(o, x) : given_by(p, stages);
}

/// The layout that a reader takes in order to give `y`: the same cut, or whole where it mixes; of
/// summands, the channels that they sum.
constexpr layout input_layout(const operation& o, layout y) {
    if (!y.partial.empty()) {
        y.c = y.partial;
        y.partial = {};
    } else if (o.mixes_channels && o.groups == 1) {
        y.c = {};
    }
    return y;
}

/// Multiplications and additions for the part `y` of the output.
constexpr long flops(const operation& o, const box& y, const shape& x) {
    const long outputs = y.count();
    const long taps_read = long(o.window.h.kernel) * o.window.w.kernel;
    switch (o.kind) {
        case op::convolution:
        case op::dense: return 2 * outputs * (o.in / o.groups) * taps_read;
        case op::batch_norm: return 2 * outputs;
        case op::activate:
        case op::add:
        case op::reduce: return outputs;
        case op::max_pool:
        case op::avg_pool: return outputs * taps_read;
        case op::row_sums: return outputs * x.w;
        case op::mean_rows: return outputs * x.h;
        case op::softmax: return 4 * outputs;
        case op::custom: return outputs * o.flops_per_output;
        default: return 0;
    }
}

}  // namespace mpar
