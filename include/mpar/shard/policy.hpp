// SPDX-License-Identifier: MIT
// How a layer asks to be computed by the ranks of a mesh axis. Knows no layer and no message.
#pragma once

#include <concepts>
#include <optional>
#include <string_view>

namespace mpar {

/// | policy | weights per rank | takes | gives | forward communication |
/// | none   | all  | replicate | replicate | none |
/// | batch  | all  | shard<N>  | shard<N>  | none |
/// | rows   | all  | shard<H>  | shard<H>  | halo exchange |
/// | output | 1/P  | replicate | shard<C>  | none (its reader gathers) |
/// | follow | -    | as the layer before gives, where the layer can | the same | - |
enum class policy { none, batch, rows, output, follow };

constexpr std::string_view name_of(policy p) {
    switch (p) {
        case policy::none: return "none";
        case policy::batch: return "batch";
        case policy::rows: return "rows";
        case policy::output: return "output";
        case policy::follow: return "follow";
    }
    return "?";
}

/// The policy of that name, or nothing.
constexpr std::optional<policy> policy_named(std::string_view name) {
    for (auto p : {policy::none, policy::batch, policy::rows, policy::output, policy::follow}) {
        if (name_of(p) == name) return p;
    }
    return std::nullopt;
}

/// The same as types, for the last parameter of a layer: conv2d<64, 64, window<3>, shard::rows>.
namespace shard {

struct none {
    static constexpr policy value = policy::none;
};
struct batch {
    static constexpr policy value = policy::batch;
};
struct rows {
    static constexpr policy value = policy::rows;
};
struct output {
    static constexpr policy value = policy::output;
};
struct follow {
    static constexpr policy value = policy::follow;
};

}  // namespace shard

template <class P>
concept policy_type = requires {
    { P::value } -> std::convertible_to<policy>;
};

}  // namespace mpar
