// SPDX-License-Identifier: MIT
// Policies in place of a net's own, and layers that wait for one. Knows no plan.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/graph/tape.hpp>

#include <optional>
#include <span>

namespace mpar {

/// Policies in place of the layers' own.
struct choice {
    std::optional<placing> all;     ///< for all layers that have weights and can follow it
    std::span<const placing> each;  ///< or one for each instruction of the tape

    constexpr choice() = default;
    constexpr explicit(false) choice(std::optional<policy> p) {
        if (p) all = *p;
    }
    constexpr explicit(false) choice(policy p) : all(p) {}
    constexpr explicit(false) choice(std::span<const placing> p) : each(p) {}
};

/// Whether some layer leaves its policy to a planner.
constexpr bool asks_for_plan(std::span<const instruction> tape) {
    for (const auto& i : tape) {
        if (i.does.asks.how == policy::automatic) return true;
    }
    return false;
}

/// What each entry asks for; who asks for a plan is whole until there is one.
template <class = void>
constexpr growing<placing> unplanned(std::span<const instruction> tape) {
    growing<placing> each;
    for (const auto& i : tape) {
        const bool has_filters = i.does.kind == op::convolution || i.does.kind == op::dense;
        const placing whole = has_filters ? policy::none : policy::follow;
        each.push_back(i.does.asks.how == policy::automatic ? whole : i.does.asks);
    }
    return each;
}

}  // namespace mpar
