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
/// | cols   | all  | shard<W>  | shard<W>  | halo exchange |
/// | tiles  | all  | shard<H, W> | shard<H, W> | halo exchange, corners too |
/// | output | 1/P  | replicate | shard<C>  | none (its reader gathers) |
/// | input  | 1/P  | shard<C>  | shard<C>  | reduce-scatter of partial sums |
/// | grid   | 1/P  | shard<C> on the first axis | shard<C> | all-gather along the second, |
/// |        |      |           |           | reduce-scatter along the first |
/// | stage  | the stage's | on one seat | on one seat | point to point between stages |
/// | follow | -    | as the layer before gives, where the layer can | the same | - |
/// | automatic | what the planner finds | | | |
enum class policy {
    none,
    batch,
    rows,
    output,
    cols,
    tiles,
    input,
    grid,
    stage,
    follow,
    automatic
};

inline constexpr int policy_count = static_cast<int>(policy::automatic) + 1;  ///< it stands last

/// The policy's name, as programs and files spell it.
constexpr std::string_view name_of(policy p) {
    switch (p) {
        case policy::none: return "none";
        case policy::batch: return "batch";
        case policy::rows: return "rows";
        case policy::output: return "output";
        case policy::cols: return "cols";
        case policy::tiles: return "tiles";
        case policy::input: return "input";
        case policy::grid: return "grid";
        case policy::stage: return "stage";
        case policy::follow: return "follow";
        case policy::automatic: return "automatic";
    }
    return "?";
}

/// The policy of that name, or nothing.
constexpr std::optional<policy> policy_named(std::string_view name) {
    for (int p = 0; p < policy_count; ++p) {
        if (name_of(policy(p)) == name) return policy(p);
    }
    return std::nullopt;
}

/// A policy with its stage, where it has one.
struct placing {
    policy how = policy::follow;
    int stage = 0;

    constexpr placing() = default;
    constexpr explicit(false) placing(policy p, int k = 0) : how(p), stage(k) {}
    constexpr bool operator==(const placing&) const = default;
};

/// Policies as types, for the last parameter of a layer: conv2d<64, 64, window<3>, shard::rows>.
namespace shard {

/// A policy as a type, and each of the table's that needs no number.
template <policy P>
struct as {
    static constexpr placing value = P;
};
struct none : as<policy::none> {};
struct batch : as<policy::batch> {};
struct rows : as<policy::rows> {};
struct cols : as<policy::cols> {};
struct tiles : as<policy::tiles> {};
struct output : as<policy::output> {};
struct input : as<policy::input> {};
struct grid : as<policy::grid> {};
struct follow : as<policy::follow> {};
struct automatic : as<policy::automatic> {};

/// Stage K of a pipeline: one seat of the model axis computes it. Stages are numbered from 0; ranks
/// take them in order, several where there are fewer ranks than stages.
template <int K>
struct stage {
    static_assert(K >= 0 && K < 4096, "mpar: stages of a pipeline are numbered from 0");
    static constexpr placing value{policy::stage, K};
};

}  // namespace shard

/// A policy as a type: one of mpar::shard.
template <class P>
concept policy_type = requires {
    { P::value } -> std::convertible_to<placing>;
};

}  // namespace mpar
