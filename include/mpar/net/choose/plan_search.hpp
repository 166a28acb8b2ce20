// SPDX-License-Identifier: MIT
// The cheapest placing of each layer of a net, by dynamic programming over its steps. Knows no
// memory limit but a price a byte.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/choose/prices.hpp>
#include <mpar/net/plan/lower.hpp>

#include <algorithm>
#include <cstdint>

namespace mpar::detail {

/// How one step may be placed.
struct offers {
    growing<placing> placings;
};

/// The policies that a layer may be given: its own, or any that it can follow and that cuts
/// something.
[[gnu::cold]] constexpr growing<placing> placings_for(const operation& o, const shape& y,
                                                      const setting& on) {
    growing<placing> all{policy::none};
    const bool is_grid =
        on.who.extent(mesh_axis::first) > 1 && on.who.extent(mesh_axis::second) > 1;
    const auto add = [&](policy p, bool cuts) {
        if (cuts && can_follow(o, p)) all.push_back(p);
    };
    add(policy::batch, on.batch > 1);
    add(policy::rows, y.h > 1);
    add(policy::cols, y.w > 1);
    add(policy::tiles, is_grid && y.h > 1 && y.w > 1);
    add(policy::output, true);
    add(policy::input, true);
    add(policy::grid, is_grid);
    return all;
}

/// Walks over a plan's steps. A state is how the tensors lie that later steps still read: in a chain
/// one tensor, so that a step is the min-plus product of the states' costs with the table of its
/// prices from layout to layout; within a residual or a concat one more for each arm that waits, so
/// that a join is a step like any other. Of the ways into a state only the cheapest goes on.
/// It is a template, so that its body is compiled only where something is planned.
template <class OnlyIfCalled = void>
class plan_search {
public:
    /// `base`: the net's plan, every layer whole. `options`: for each step, how it may be placed.
    constexpr plan_search(const plan& base, const setting& on, const machine& of,
                          growing<offers> options, int stages)
        : plan_(base),
          options_(std::move(options)),
          stages_(stages),
          prices_(base, on, of, layouts_) {
        readers_.resize(plan_.tensors.size());
        sole_.resize(plan_.tensors.size(), -1);
        for (int i = 0; i < int(plan_.steps.size()); ++i) {
            const step& s = plan_.steps[std::size_t(i)];
            for (const int t : s.inputs) ++readers_[std::size_t(t)];
            sole_[std::size_t(s.x())] = s.y < 0 || s.own_inputs() > 1 ? -1 : i;
        }
    }

    /// A placing for each step, the cheapest where a byte of filters costs `byte` seconds more; none
    /// where the net has more open ends or layouts than states can tell apart. `cuts_sums`: between
    /// ranks, where there is a choice.
    [[gnu::cold]] constexpr growing<placing> run(double byte, bool cuts_sums) {
        byte_ = byte;
        cuts_sums_ = cuts_sums;
        live_.clear();
        std::uint64_t given = 0;
        for (int t = 0; t < int(plan_.tensors.size()); ++t) {
            const tensor& input = plan_.tensors[std::size_t(t)];
            if (input.producer >= 0 || input.last_reader < 0) continue;
            if (int(live_.size()) == open_ends) return {};
            given |= now(layouts_.of(input.where)).bits() << 10 * live_.size();
            live_.push_back(t);
        }
        levels_.clear();
        levels_.resize(plan_.steps.size() + 1);
        levels_[0].nodes = {{given, 0, -1, {}}};
        for (int i = 0; i < int(plan_.steps.size()); ++i) {
            if (!advance(i)) return {};
        }
        const auto& last = levels_.back().nodes;
        int at = 0;
        for (int n = 1; n < int(last.size()); ++n) {
            if (last[std::size_t(n)].seconds < last[std::size_t(at)].seconds) at = n;
        }
        seconds_ = last[std::size_t(at)].seconds;
        growing<placing> placings(plan_.steps.size());
        for (std::size_t i = placings.size(); i-- > 0;) {
            const node& n = levels_[i + 1].nodes[std::size_t(at)];
            placings[i] = n.by;
            at = n.from;
        }
        return placings;
    }
    /// What the last run's choice costs.
    constexpr double seconds() const { return seconds_; }

private:
    static constexpr int open_ends = 6;

    /// How one tensor lies, in ten bits: its layout; a second one, plus 1, in which parts of it have
    /// been fetched, or 0; 1 or 2 for the summands of input or grid that its only reader ends.
    struct now {
        int where = 0, also = 0, sum = 0;

        constexpr explicit(false) now(int layout = 0) : where(layout) {}
        static constexpr now from(std::uint64_t bits) {
            now n(int(bits & 15));
            n.also = int(bits >> 4 & 15);
            n.sum = int(bits >> 8 & 3);
            return n;
        }
        constexpr std::uint64_t bits() const {
            return std::uint64_t(unsigned(where | also << 4 | sum << 8));
        }
    };
    /// How all tensors of live_ lie, the first one in the lowest bits.
    static constexpr now at(std::uint64_t key, int place) { return now::from(key >> 10 * place); }

    struct node {
        std::uint64_t key = 0;
        double seconds = 0;
        int from = -1;
        placing by;
    };
    struct level {  ///< the states before a step
        growing<node> nodes;
    };
    /// A placing of a step where x lies as it does: what it costs but for the second input, and how x and
    /// y lie then.
    struct edge {
        double seconds = 0;
        std::uint64_t x = 0, y = 0;
        int given = -1;  ///< the layout of what is given
    };

    constexpr int place(int t) const {
        for (int i = 0; i < int(live_.size()); ++i) {
            if (live_[std::size_t(i)] == t) return i;
        }
        return -1;
    }

    [[gnu::cold]] constexpr bool advance(int i) {
        const step& s = plan_.steps[std::size_t(i)];
        growing<int> after, stood;  // of live_, and where they stood in it
        for (const int t : live_) {
            if (plan_.tensors[std::size_t(t)].last_reader <= i) continue;
            stood.push_back(place(t));
            after.push_back(t);
        }
        x_ = place(s.x());
        second_ = s.inputs.size() < 2 || !s.inputs.is_first(1) ? -1 : place(s.inputs[1]);
        y_ = s.y < 0 ? -1 : place(s.y);  // there already: another arm of a concat has begun it
        begins_ = s.y >= 0 && y_ < 0;
        if (begins_) after.push_back(s.y);
        if (int(after.size()) > open_ends) return false;

        const traits is = traits_of(s.what);
        const bool by_x_alone = !is.follows_second && !is.moves_channels;
        const auto options = offered(i);
        growing<names> known_names(options.size());
        growing<edge> edges;                           // by x's bits and the option
        int known[1024] = {}, slots[slot_count] = {};  // indices plus 1
        growing<node> next;
        const node* const nodes = levels_[std::size_t(i)].nodes.data();
        for (int n = 0; n < int(levels_[std::size_t(i)].nodes.size()); ++n) {
            const std::uint64_t key = nodes[n].key;
            int& first = known[key >> 10 * x_ & 1023];
            if (first == 0 || !by_x_alone) {
                first = int(edges.size()) + 1;
                edges.resize(edges.size() + options.size());
                for (std::size_t o = 0; o < options.size(); ++o) {
                    edges[std::size_t(first - 1) + o] = edge_of(i, options[o], key, known_names[o]);
                }
                if (!layouts_.fit()) return false;
            }
            std::uint64_t rest = 0;  // of the key to come
            int x_to = -1, second_to = -1;
            for (int a = 0; a < int(stood.size()); ++a) {
                const int was = stood[std::size_t(a)];
                if (was == x_) {
                    x_to = 10 * a;
                } else if (was == second_) {
                    second_to = 10 * a;
                } else {
                    rest |= (key >> 10 * was & 1023) << 10 * a;
                }
            }
            const int y_to = 10 * int(stood.size());
            for (int o = 0; o < int(options.size()); ++o) {
                const edge& e = edges[std::size_t(first - 1 + o)];
                std::uint64_t then = rest;
                double seconds = nodes[n].seconds + e.seconds;
                if (x_to >= 0) then |= e.x << x_to;
                if (begins_) then |= e.y << y_to;
                if (second_ >= 0) {
                    now r = at(key, second_);
                    seconds += second_seconds(i, r, e.given);
                    if (second_to >= 0) then |= r.bits() << second_to;
                }
                keep(next, slots, {then, seconds, n, options[std::size_t(o)]});
            }
        }
        if (next.size() > most_states) drop_dearest(next);
        live_ = std::move(after);
        levels_[std::size_t(i) + 1].nodes = std::move(next);
        return true;
    }
    /// How many states of a level go on, the cheapest ones. Multiplied by the placings of a layer
    /// they are fewer than keep() has slots for.
    static constexpr int most_states = 400;

    [[gnu::cold]] static constexpr void drop_dearest(growing<node>& all) {
        growing<double> seconds;
        for (const node& n : all) seconds.push_back(n.seconds);
        std::nth_element(seconds.begin(), seconds.begin() + most_states, seconds.end());
        growing<node> some;
        for (const node& n : all) {
            if (n.seconds < seconds[most_states]) some.push_back(n);
        }
        if (!some.empty()) all = std::move(some);
    }
    static constexpr std::size_t slot_count = 8192;
    static constexpr void keep(growing<node>& all, int* slots, const node& n) {
        constexpr std::size_t mask = slot_count - 1;
        std::size_t at = std::size_t(n.key * 0x9e3779b97f4a7c15u >> 40) & mask;
        for (; slots[at]; at = (at + 1) & mask) {
            node& other = all[std::size_t(slots[at] - 1)];
            if (other.key != n.key) continue;
            if (n.seconds < other.seconds) other = n;
            return;
        }
        all.push_back(n);
        slots[at] = int(all.size());
    }

    /// The options of a step, without those that cut sums where none may be.
    constexpr growing<placing> offered(int i) const {
        const auto& all = options_[std::size_t(i)].placings;
        growing<placing> some;
        for (const placing& p : all) {
            if (cuts_sums_ || all.size() == 1 || summed_by(p.how).empty()) some.push_back(p);
        }
        return some;
    }

    /// The layouts of what a step gives, of what its kernel makes of it, and in which it reads x, by
    /// number; the same wherever x lies, but for those who follow.
    struct names {
        int given = -1, made = 0, reads = 0;
        bool is_fine = false;  ///< a sum's parts can be scattered so
    };
    [[gnu::cold]] constexpr names names_of(int i, const placing& p, std::uint64_t key) {
        const step& s = plan_.steps[std::size_t(i)];
        names n;
        n.given = s.y < 0   ? layouts_.of(layout::everywhere)
                  : begins_ ? layouts_.of(gives(i, p, key))
                            : at(key, y_).where;
        n.made = summed_by(p.how).empty() ? n.given : layouts_.of(summands_of(p.how));
        const layout taken =
            s.y < 0 ? layout::everywhere : input_layout(s.reads_input(0), layouts_[n.made]);
        n.reads = layouts_.of(taken);
        n.is_fine = taken.stage < 0 && taken.c.count + taken.h.count + taken.w.count == 2;
        return n;
    }
    [[gnu::cold]] constexpr edge edge_of(int i, const placing& p, std::uint64_t key, names& known) {
        const step& s = plan_.steps[std::size_t(i)];
        if (known.given < 0 || p.how == policy::follow) known = names_of(i, p, key);
        const auto [given, made, reads, is_fine] = known;
        if (!layouts_.fit()) return {};
        const bool sums = made != given;

        edge e;
        e.given = given;
        now x = at(key, x_), y(given);
        if (x.sum) {  // its parts go where they are taken, if that is as fine
            x = is_fine ? reads : x.where;
            e.seconds += prices_.reduce(plan_.tensors[std::size_t(s.x())].producer,
                                        summands_[at(key, x_).sum - 1], x.where);
        }
        const int before = x.where;
        if (x.also != reads + 1) {
            e.seconds += prices_.fetch(i, before, made);
            fetched(x, reads);
        }
        if (s.inputs.size() > 1 && !s.inputs.is_first(1)) e.seconds += second_seconds(i, x, given);
        const auto own = prices_.compute(i, before, made);
        e.seconds += own.seconds + byte_ * double(own.bytes);
        if (sums && !s.adds && readers_[std::size_t(s.y)] == 1 && sole_[std::size_t(s.y)] >= 0) {
            y.sum = p.how == policy::input ? 1 : 2;
            summands_[y.sum - 1] = made;
        } else if (sums) {
            e.seconds += prices_.reduce(i, made, given);
        }
        e.x = x.bits();
        e.y = y.bits();
        return e;
    }
    constexpr double second_seconds(int i, now& second, int given) {
        const int taken = prices_.second_taken(i, given);
        if (second.also == taken + 1 || !layouts_.fit()) return 0;
        const double seconds = prices_.fetch_second(i, second.where, taken);
        fetched(second, taken);
        return seconds;
    }
    /// Notes that a tensor has been fetched as `reads` says. Once it is whole on every rank,
    /// nothing more is fetched of it.
    constexpr void fetched(now& t, int reads) {
        if (layouts_.is_whole(reads)) {
            t = reads;
        } else {
            t.also = reads + 1;
        }
    }

    /// The layout that step i gives. For a concat it is the one of its first arm that is cut.
    [[gnu::cold]] constexpr layout gives(int i, const placing& p, std::uint64_t key) const {
        const step& s = plan_.steps[std::size_t(i)];
        const auto lies = [&](int t) { return layouts_[at(key, place(t)).where]; };
        layout l;
        if (traits_of(s.what).follows_second) {  // as lower() has it: as the body, if that is cut
            const layout body = lies(s.second());
            if (!body.is_whole()) return output_layout(s.what, p, body, stages_);
        }
        for (std::size_t j = std::size_t(i); j < plan_.steps.size(); ++j) {
            const step& arm = plan_.steps[j];
            if (arm.y != s.y) break;
            l = output_layout(arm.what, p, lies(arm.x()), stages_);
            if (!l.is_whole()) break;
        }
        return l;
    }

    plan plan_;
    growing<offers> options_;
    int stages_;
    layout_numbers layouts_;
    prices<> prices_;
    growing<int> readers_, sole_, live_;
    int x_ = 0, second_ = -1, y_ = -1;  ///< places in live_ of the step's tensors
    bool begins_ = false;               ///< the step is the first to write y
    int summands_[2] = {};              ///< the layouts of those of input and of grid
    growing<level> levels_;
    double byte_ = 0, seconds_ = 0;
    bool cuts_sums_ = true;
};

}  // namespace mpar::detail
