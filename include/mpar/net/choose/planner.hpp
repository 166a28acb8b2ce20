// SPDX-License-Identifier: MIT
// Chooses how each layer of a net is computed: by arithmetic, at compile time or at run time, the same
// on all ranks. Knows no type of a net and no memory.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/place/partition.hpp>
#include <mpar/net/choose/plan_search.hpp>

#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace mpar {

/// What a net is planned for.
struct planning {
    setting on;  ///< who.rank is not looked at
    machine of;
    long memory = 0;   ///< bytes that a rank has for weights and activations; 0: any number
    bool all = false;  ///< layers with weights may be placed otherwise than they ask
    /// Sums may be cut between ranks where that saves more than a twentieth: their last bits change.
    bool sums = true;
};

/// What the planner has found.
struct planned {
    growing<placing> each;             ///< for lower(): one for each node of the graph
    forecast cost;                     ///< of the plan that comes of it; at run time
    policy alike = policy::automatic;  ///< the one policy of all layers that was best; else mixed
    mismatch wrong;
    long least_memory = 0;  ///< where no plan fits the memory: what the least takes
};

namespace detail {

/// Looks for the placings. It is a template for the reason that plan_search is one.
template <class OnlyIfCalled = void>
class planner {
public:
    [[gnu::cold]] constexpr planner(const graph& net, const shape& input, const placing& given,
                                    const planning& how)
        : net_(net), input_(input), given_(given), how_(how) {
        for (const node& n : net_) {
            const placing asks = n.does.asks;
            const bool asks_plan = asks.how == policy::automatic;
            is_free_.push_back(has_filters(n.does) && (how_.all || asks_plan));
            own_.push_back(asks_plan ? placing{} : asks);
            rest_.push_back(how_.all || asks_plan ? placing{} : asks);
            if (rest_.back().how == policy::stage) stages_ = std::max(stages_, asks.stage + 1);
        }
    }

    constexpr planned run() {
        if (std::is_constant_evaluated() && !how_.memory) {
            search();  // all others are among what it looks at, and a compiler's time is dear
            if (whole_.each.empty()) consider_alike();
        } else {
            if (how_.all && !asks_for_plan(net_)) consider(own_, policy::automatic);
            consider_alike();
            if (!wrong_) search();
        }
        const bool are_whole = !how_.sums || whole_.cost.seconds <= worth * any_.cost.seconds;
        planned& best = are_whole && !whole_.each.empty() ? whole_ : any_;
        best.wrong = wrong_;
        if (best.each.empty()) best.least_memory = least_;
        return std::move(best);
    }

private:
    static constexpr double worth = 1.05;  ///< by which a plan whose bits change must be cheaper

    /// One policy for all that are free and can follow it, as a choice for all has it.
    constexpr growing<placing> all_by(policy p) const {
        growing<placing> each = rest_;
        for (std::size_t i = 0; i < each.size(); ++i) {
            if (is_free_[i]) each[i] = can_follow(net_[i].does, p) ? p : policy::none;
        }
        return each;
    }

    constexpr void consider_alike() {
        for (const policy p : {policy::none, policy::batch, policy::rows, policy::cols,
                               policy::tiles, policy::output, policy::input, policy::grid}) {
            if (how_.sums || summed_by(p).empty()) consider(all_by(p), p);
        }
    }

    /// Keeps a choice that fits and costs less than the one there is. Returns whether it fits.
    [[gnu::cold]] constexpr bool consider(const growing<placing>& each, policy alike) {
        const lowered l = lower(net_, input_, given_, std::span<const placing>(each));
        if (l.wrong) {
            if (!wrong_) wrong_ = l.wrong;
            return false;
        }
        forecast f = forecast_of(l.view(), how_.on, how_.of);
        if (how_.memory) {
            const long takes = memory_of(l.view(), f);
            least_ = least_ ? std::min(least_, takes) : takes;
            if (takes > how_.memory) return false;
        }
        keep({each, std::move(f), alike, {}, 0});
        return true;
    }
    [[gnu::cold]] constexpr void keep(const planned& p) {
        bool cuts = false;
        for (std::size_t i = 0; i < p.each.size(); ++i) {
            cuts = cuts || (is_free_[i] && !summed_by(p.each[i].how).empty());
        }
        for (planned* best : {&any_, cuts ? nullptr : &whole_}) {
            if (best && (best->each.empty() || p.cost.seconds < best->cost.seconds)) *best = p;
        }
    }

    /// The memory that the ranks would allocate, where they are few enough to work that out.
    [[gnu::cold]] constexpr long memory_of(const plan& p, const forecast& f) const {
        if (how_.on.who.ranks > 16) return f.memory();
        long most = 0;
        for (int r = 0; r < how_.on.who.ranks; ++r) {
            setting s = how_.on;
            s.who.rank = r;
            most = std::max(most, mpar::partition(p, s).arena_bytes);
        }
        return most + f.weights;
    }

    [[gnu::cold]] constexpr void search() {
        const auto whole = all_by(policy::none);
        growing<placing> base = whole;  // sums that are cut are priced, not lowered
        for (auto& p : base) {
            if (!summed_by(p.how).empty()) p = policy::none;
        }
        const lowered l = lower(net_, input_, given_, std::span<const placing>(base));
        wrong_ = l.wrong;
        if (wrong_) return;
        const plan p = l.view();
        growing<offers> options;
        for (const step& s : p.steps) {
            if (s.entry < 0) {
                options.push_back({{placing{}}});
            } else if (is_free_[std::size_t(s.entry)]) {
                options.push_back(
                    {placings_for(s.what, p.tensors[std::size_t(s.y)].extents, how_.on)});
            } else {
                options.push_back({{rest_[std::size_t(s.entry)]}});
            }
        }
        plan_search<> by(p, how_.on, how_.of, std::move(options), stages_);
        const auto try_at = [&](double byte, bool sums) {
            const auto found = by.run(byte, sums);
            if (found.empty()) return true;
            growing<placing> each = whole;
            for (std::size_t i = 0; i < found.size(); ++i) {
                const int entry = p.steps[i].entry;
                if (entry >= 0 && is_free_[std::size_t(entry)]) each[std::size_t(entry)] = found[i];
            }
            if (!std::is_constant_evaluated() || how_.memory) {
                return consider(each, policy::automatic);
            }
            planned one;
            one.each = std::move(each);
            one.cost.seconds = by.seconds();
            keep(one);
            return true;
        };
        for (const bool sums : {false, true}) {
            if ((sums && !how_.sums) || try_at(0, sums) || !how_.memory) continue;
            // The price of a byte at which the cheapest plan just fits.
            double low = 0, high = 1e-9;
            for (int i = 0; i < 8 && !try_at(high, sums); ++i) low = high, high *= 10;
            for (int i = 0; i < 10; ++i) {
                const double middle = (low + high) / 2;
                (try_at(middle, sums) ? high : low) = middle;
            }
        }
    }

    graph net_;
    shape input_;
    placing given_;
    planning how_;
    growing<bool> is_free_;
    growing<placing> own_;   ///< what each node asks for
    growing<placing> rest_;  ///< what those get that are not free
    int stages_ = 1;
    planned whole_, any_;  ///< the best without and with sums that are cut
    mismatch wrong_;
    long least_ = 0;
};

}  // namespace detail

/// A placing for each node of a graph: for its layers with weights that ask for shard::automatic (for
/// all, where how.all says so) the ones whose forward takes the least time by the cost model;
/// others keep what they ask for.
/// Sums stay whole, and so the bits the same on any number of ranks, unless it costs a twentieth.
/// ensures: the same on all ranks; never more than any one policy for all takes, nor than the layers'
/// own where how.all gives them up, but for that twentieth.
template <class OnlyIfCalled = void>
constexpr planned plan_for(const graph& net, const shape& input, const placing& given,
                           const planning& how) {
    return detail::planner<>(net, input, given, how).run();
}

}  // namespace mpar
