// SPDX-License-Identifier: MIT
// A layer that a user has written, as describe() says it. Knows no net.
#pragma once

#include <mpar/operators/answers.hpp>
#include <mpar/shard/policy.hpp>

#include <array>
#include <string_view>

namespace mpar {

/// One parameter of a user's layer: its name after the layer's own, and its extents.
struct custom_parameter {
    std::string_view name;
    std::array<int, 4> extents{};
    int rank = 0;
};

/// A user's layer: which inputs an output reads, what it costs, its parameters. Its forward() is a
/// function of the net's own.
struct custom_op : has_no_kernel {
    std::string_view name;
    placing asks;                 ///< how it wants to be computed
    sliding window;               ///< which rows and columns an output reads
    bool same_padding = false;    ///< padding is worked out so that out = ceil(in / stride)
    int in = 0, out = 0;          ///< channels; 0: as many as come
    bool mixes_channels = false;  ///< an output channel reads all channels
    bool mixes_rows = false;      ///< an output row reads all rows, a column all columns
    int flops_per_output = 0;
    std::array<custom_parameter, 4> parameters_of{};
    int parameter_count = 0;

    static constexpr traits is() { return {.weights = packed_as::as_loaded, .is_of_net = true}; }
    constexpr void resolve(shapes x) {
        if (same_padding) pad_same(window, x.front());
    }
    constexpr complaint refuses(shapes x) const {
        if (in && in != x[0].c) return {misfit::channels, in, x[0].c};
        return {};
    }
    constexpr shape output(shapes x) const {
        return slid(window, x[0], out ? out : x[0].c);
    }
    constexpr index_map reads(int) const {
        return {.window = window,
                .all_rows = mixes_rows,
                .all_columns = mixes_rows,
                .channels = mixes_channels ? channel_map::all : channel_map::same};
    }
    constexpr long flops(const box& y, const shape&) const { return y.count() * flops_per_output; }
    template <class Sink>
    constexpr void parameters(Sink& to) const {
        for (int i = 0; i < parameter_count; ++i) {
            const auto& p = parameters_of[static_cast<std::size_t>(i)];
            to.add({role::custom, p.name, p.extents, p.rank});
        }
    }
};

}  // namespace mpar
