// SPDX-License-Identifier: MIT
// Policies in place of a net's own, and layers that wait for one. Knows no plan.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/graph/graph.hpp>

#include <optional>
#include <span>

namespace mpar {

/// Policies in place of the layers' own.
struct choice {
    std::optional<placing> all;     ///< for all layers that have weights and can follow it
    std::span<const placing> each;  ///< or one for each node

    constexpr choice() = default;
    constexpr explicit(false) choice(std::optional<policy> p) {
        if (p) all = *p;
    }
    constexpr explicit(false) choice(policy p) : all(p) {}
    constexpr explicit(false) choice(std::span<const placing> p) : each(p) {}
};

/// Whether some layer leaves its policy to a planner.
constexpr bool asks_for_plan(const graph& net) {
    for (const node& n : net) {
        if (n.does.asks.how == policy::automatic) return true;
    }
    return false;
}

/// What each node asks for. A node that asks for a planner is left whole until one has decided.
template <class OnlyIfCalled = void>
constexpr growing<placing> unplanned(const graph& net) {
    growing<placing> each;
    for (const node& n : net) {
        const placing whole = has_filters(n.does) ? policy::none : policy::follow;
        each.push_back(n.does.asks.how == policy::automatic ? whole : n.does.asks);
    }
    return each;
}

}  // namespace mpar
