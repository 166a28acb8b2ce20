// SPDX-License-Identifier: MIT
// The cheapest placing of each layer of a net, by dynamic programming over its steps. Knows no
// memory limit but a price a byte.
#pragma once

#include <mpar/net/lower.hpp>
#include <mpar/net/prices.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace mpar::detail {

/// What a layer may be asked by: its own policy, or any that it can follow and that cuts something.
constexpr std::vector<placing> placings_for(const operation& o, const shape& y, const setting& on) {
    std::vector<placing> all{policy::none};
    const bool is_grid = on.who.extent(mesh_axis::first) > 1 && on.who.extent(mesh_axis::second) > 1;
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
class plan_search {
public:
    /// `base`: the net's plan, every layer whole. `options`: for each step, how it may be placed.
    constexpr plan_search(const plan& base, const setting& on, const machine& of,
                          std::vector<std::vector<placing>> options, int stages)
        : plan_(base), options_(std::move(options)), stages_(stages), prices_(base, on, of, layouts_) {
        readers_.resize(plan_.tensors.size());
        sole_.resize(plan_.tensors.size(), -1);
        for (int i = 0; i < int(plan_.steps.size()); ++i) {
            const step& s = plan_.steps[std::size_t(i)];
            for (const int t : {s.x, s.residual}) {
                if (t >= 0) ++readers_[std::size_t(t)];
            }
            sole_[std::size_t(s.x)] = s.y < 0 || s.what.kind == op::add ? -1 : i;
        }
    }

    /// A placing for each step, the cheapest where a byte of filters costs `byte` seconds more; none
    /// where the net has more open ends or layouts than states can tell apart.
    constexpr std::vector<placing> run(double byte) {
        byte_ = byte;
        live_ = {0};
        levels_.assign(1, {{pack({now{layouts_.of(plan_.tensors[0].where)}}), 0, -1, {}}});
        for (int i = 0; i < int(plan_.steps.size()); ++i) {
            if (!advance(i)) return {};
        }
        const auto& last = levels_.back();
        int at = 0;
        for (int n = 1; n < int(last.size()); ++n) {
            if (last[std::size_t(n)].seconds < last[std::size_t(at)].seconds) at = n;
        }
        seconds_ = last[std::size_t(at)].seconds;
        std::vector<placing> placings(plan_.steps.size());
        for (std::size_t i = placings.size(); i-- > 0;) {
            const node& n = levels_[i + 1][std::size_t(at)];
            placings[i] = n.by;
            at = n.from;
        }
        return placings;
    }
    /// What the last run's choice costs.
    constexpr double seconds() const { return seconds_; }

private:
    static constexpr int open_ends = 6;

    /// How one tensor lies.
    struct now {
        int where = 0;
        int also = -1;                ///< a second layout in which parts of it have been fetched
        policy sum = policy::follow;  ///< input or grid: summands that its only reader ends
    };
    using lie = std::array<now, open_ends>;  ///< of live_, in its order
    struct node {
        std::uint64_t key = 0;
        double seconds = 0;
        int from = -1;
        placing by;
    };

    static constexpr std::uint64_t pack(const lie& all) {
        std::uint64_t key = 0;
        for (const now& n : all) {
            const int sum = n.sum == policy::input ? 1 : n.sum == policy::grid ? 2 : 0;
            key = key << 10 | std::uint64_t(n.where | (n.also + 1) << 4 | sum << 8);
        }
        return key;
    }
    static constexpr lie unpack(std::uint64_t key) {
        lie all{};
        for (std::size_t i = open_ends; i-- > 0; key >>= 10) {
            const int sum = int(key >> 8 & 3);
            all[i] = {int(key & 15), int(key >> 4 & 15) - 1,
                      sum == 1   ? policy::input
                      : sum == 2 ? policy::grid
                                 : policy::follow};
        }
        return all;
    }
    constexpr int place(int t) const {
        for (int i = 0; i < int(live_.size()); ++i) {
            if (live_[std::size_t(i)] == t) return i;
        }
        return -1;
    }

    constexpr bool advance(int i) {
        const step& s = plan_.steps[std::size_t(i)];
        std::vector<int> after;  // of live_, and where they stood in it
        std::array<int, open_ends> stood{};
        for (const int t : live_) {
            if (plan_.tensors[std::size_t(t)].last_reader <= i) continue;
            stood[after.size()] = place(t);
            after.push_back(t);
        }
        const bool begins = s.y >= 0 && place(s.y) < 0;  // else: another arm of a concat has
        if (begins) after.push_back(s.y);
        if (int(after.size()) > open_ends) return false;

        std::vector<node> next;
        std::vector<int> slots(4096, -1);
        const auto& nodes = levels_.back();
        for (int n = 0; n < int(nodes.size()); ++n) {
            for (const placing& p : options_[std::size_t(i)]) {
                lie all = unpack(nodes[std::size_t(n)].key);
                now y = begins ? now{} : s.y < 0 ? now{} : all[std::size_t(place(s.y))];
                const double seconds = nodes[std::size_t(n)].seconds + take(i, p, all, y, begins);
                if (!layouts_.fit()) return false;
                lie then{};
                for (std::size_t a = 0; a < after.size(); ++a) then[a] = all[std::size_t(stood[a])];
                if (begins) then[after.size() - 1] = y;
                keep(next, slots, {pack(then), seconds, n, p});
            }
        }
        if (next.size() > most_states) {
            const auto end = next.begin() + most_states;
            std::ranges::nth_element(next, end, {}, &node::seconds);
            next.erase(end, next.end());
        }
        live_ = std::move(after);
        levels_.push_back(std::move(next));
        return true;
    }
    /// Of more, the cheapest go on. Times the placings of a layer, fewer than keep() has slots for.
    static constexpr int most_states = 400;

    static constexpr void keep(std::vector<node>& all, std::vector<int>& slots, const node& n) {
        const std::size_t mask = slots.size() - 1;
        std::size_t at = std::size_t(n.key * 0x9e3779b97f4a7c15u >> 40) & mask;
        while (slots[at] >= 0 && all[std::size_t(slots[at])].key != n.key) at = (at + 1) & mask;
        if (slots[at] < 0) {
            slots[at] = int(all.size());
            all.push_back(n);
        } else if (n.seconds < all[std::size_t(slots[at])].seconds) {
            all[std::size_t(slots[at])] = n;
        }
    }

    /// What step i costs when placed by p, with tensors as `all` says; how they and y lie then.
    constexpr double take(int i, const placing& p, lie& all, now& y, bool begins) {
        const step& s = plan_.steps[std::size_t(i)];
        now& x = all[std::size_t(place(s.x))];
        const bool sums = !summed_by(p.how).empty();
        if (begins) y = {layouts_.of(gives(i, p, all))};
        const int given = s.y < 0 ? layouts_.of(layout::everywhere) : y.where;
        const int made = sums ? layouts_.of(summands_of(p.how)) : given;
        const layout taken =
            s.y < 0 ? layout::everywhere : input_layout(s.what, layouts_[made]);
        double seconds = 0;
        if (x.sum != policy::follow) {  // its parts go where they are taken, if that is as fine
            const int from = layouts_.of(summands_of(x.sum));
            const bool is_fine =
                taken.stage < 0 && taken.c.count + taken.h.count + taken.w.count == 2;
            x = {is_fine ? layouts_.of(taken) : x.where};
            seconds += prices_.reduce(plan_.tensors[std::size_t(s.x)].producer, from, x.where);
        }
        const int reads = layouts_.of(taken);
        if (!layouts_.fit()) return 0;
        const int before = x.where;
        if (x.also != reads) {
            seconds += prices_.fetch(i, x.where, made);
            fetched(x, reads);
        }
        if (s.residual >= 0) {
            now& r = all[std::size_t(place(s.residual))];
            if (r.also != given) {
                seconds += prices_.fetch_residual(i, r.where, given);
                fetched(r, given);
            }
        }
        const auto own = prices_.compute(i, before, made);
        seconds += own.seconds + byte_ * double(own.bytes);
        if (!sums) return seconds;
        if (s.residual < 0 && readers_[std::size_t(s.y)] == 1 && sole_[std::size_t(s.y)] >= 0) {
            y.sum = p.how;
            return seconds;
        }
        return seconds + prices_.reduce(i, made, given);
    }
    /// Whoever has all of it needs no one any more.
    constexpr void fetched(now& t, int reads) {
        if (layouts_[reads].is_whole()) {
            t.where = reads;
        } else {
            t.also = reads;
        }
    }

    /// The layout that step i gives; of a concat, as its first arm that is cut would have it.
    constexpr layout gives(int i, const placing& p, const lie& all) const {
        const step& s = plan_.steps[std::size_t(i)];
        layout l;
        if (s.what.kind == op::add) {  // as lower() has it: as the body, if that is cut
            const layout& body = layouts_[all[std::size_t(place(s.residual))].where];
            if (!body.is_whole()) return output_layout(s.what, p, body, stages_);
        }
        for (std::size_t j = std::size_t(i); j < plan_.steps.size(); ++j) {
            const step& arm = plan_.steps[j];
            if (arm.y != s.y || place(arm.x) < 0) break;
            const layout& x = layouts_[all[std::size_t(place(arm.x))].where];
            l = output_layout(arm.what, p, x, stages_);
            if (!l.is_whole()) break;
        }
        return l;
    }

    plan plan_;
    std::vector<std::vector<placing>> options_;
    int stages_;
    layout_numbers layouts_;
    prices prices_;
    std::vector<int> readers_, sole_, live_;
    std::vector<std::vector<node>> levels_;
    double byte_ = 0, seconds_ = 0;
};

}  // namespace mpar::detail
