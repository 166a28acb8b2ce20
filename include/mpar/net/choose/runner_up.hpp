// SPDX-License-Identifier: MIT
// What each layer of a plan would cost if it were placed otherwise. Knows no table.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/choose/planner.hpp>

#include <cstddef>
#include <span>

namespace mpar {

/// The best other policy of a step, when all other steps stay as they are.
struct runner_up {
    bool is_there = false;  ///< a layer with weights that can follow another
    policy how = policy::none;
    double more = 0;  ///< seconds of the whole forward
};

/// For each step of a plan. `net`: what it was lowered from; `how.of`: what for.
/// Cost: a plan and its forecast for each layer and policy.
template <class OnlyIfCalled = void>
growing<runner_up> runners_up(const graph& net, const placing& given, const plan& p,
                              const planning& how) {
    growing<placing> each(net.size());
    for (const auto& s : p.steps) {
        if (s.entry >= 0 && !traits_of(s.what).ends_sum) each[std::size_t(s.entry)] = s.what.asks;
    }
    for (std::size_t i = 0; i < net.size(); ++i) {
        const bool joins = traits_of(net[i].does).rides == riding::joining;
        if (joins && !how.all) each[i] = net[i].does.asks;
    }
    const auto seconds = [&] {
        const lowered l = lower(net, p.input().extents, given, std::span<const placing>(each));
        return l.wrong ? -1 : forecast_of(l.view(), how.on, how.of).seconds;
    };
    const double now = seconds();
    growing<runner_up> all(p.steps.size());
    for (std::size_t i = 0; i < p.steps.size(); ++i) {
        const step& s = p.steps[i];
        if (!has_filters(s.what)) continue;
        placing& here = each[std::size_t(s.entry)];
        const placing mine = here;
        const shape& y = p.tensors[std::size_t(s.y)].extents;
        for (const placing& other : detail::placings_for(s.what, y, how.on)) {
            if (other.how == mine.how) continue;
            here = other;
            const double more = seconds() - now;
            if (!all[i].is_there || more < all[i].more) all[i] = {true, other.how, more};
        }
        here = mine;
    }
    return all;
}

}  // namespace mpar
