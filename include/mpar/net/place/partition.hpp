// SPDX-License-Identifier: MIT
// One rank's part of a plan: boxes, messages, memory. Computed, never negotiated: each rank knows
// what the others will send. Knows no memory and no MPI.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/place/arena.hpp>
#include <mpar/net/place/geometry.hpp>
#include <mpar/net/place/homes.hpp>
#include <mpar/net/place/overlap.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/place/slices.hpp>

#include <utility>

namespace mpar {

namespace detail {

/// Works out one rank's part. It is a template, so that its body is compiled only where it is used.
template <class OnlyIfCalled = void>
class partition {
public:
    constexpr partition(const plan& p, const setting& s) : plan_(p), all_(p, s) { part_.of = s; }

    [[gnu::cold]] constexpr part run() {
        part_.tensors.resize(plan_.tensors.size());
        part_.steps.resize(plan_.steps.size());
        for (std::size_t t = 0; t < part_.tensors.size(); ++t) {
            auto& mine = part_.tensors[t];
            mine.owned = all_.owner(static_cast<int>(t), me());
            for_each_mate([&](int r) { mine.held = hull(mine.held, all_.owner(int(t), r)); });
        }
        for (std::size_t i = 0; i < part_.steps.size(); ++i) add_step(static_cast<int>(i));
        add_parameters();
        for (std::size_t i = 0; i < part_.steps.size(); ++i) add_exchanges(static_cast<int>(i));
        find_overlaps(all_, part_);
        homes(plan_, part_, [this](int t, int rank) { return all_.owner(t, rank); }).find();
        for (std::size_t t = 0; t < part_.tensors.size(); ++t) {
            auto& mine = part_.tensors[t];
            mine.block = is_image(int(t)) ? part_.of.image_block : part_.of.block;
            mine.element = all_.element_of(int(t));
        }
        slices<>(plan_, part_).find();
        for (std::size_t t = 0; t < part_.tensors.size(); ++t) size_tensor(t);
        part_.arena_bytes = place_tensors(plan_, part_);
        return std::move(part_);
    }

private:
    constexpr int me() const { return part_.of.who.rank; }

    template <class F>
    constexpr void for_each_mate(F f) const {
        const range mates = part_.of.mates(me());
        for (int r = mates.lo; r < mates.hi; ++r) f(r);
    }

    [[gnu::cold]] constexpr void add_step(int i) {
        const auto& s = all_.step_at(i);
        auto& mine = part_.steps[static_cast<std::size_t>(i)];
        mine.tile = all_.tile(i);
        mine.y = all_.computed(s, me());
        mine.x = all_.read_x(s, mine.y, me());
        if (s.y >= 0 && !all_.tensor_at(s.y).where.partial.empty()) {
            const auto share = all_.share_of(s, me());
            mine.first_leaf = share.leaves.lo;
            for (int l = share.leaves.lo; l < share.leaves.hi; ++l) {
                mine.leaves.push_back(all_.leaf(s, l, share.of));
            }
        }
        mine.flops = all_.flops_of(s, me());
        for (const int t : s.inputs) {
            auto& held = part_.tensors[static_cast<std::size_t>(t)].held;
            for_each_mate([&](int r) { held = hull(held, all_.read(s, t, r)); });
        }
    }

    [[gnu::cold]] constexpr void add_parameters() {
        for (std::size_t i = 0; i < plan_.parameters.size(); ++i) {
            part_.parameters.push_back({all_.owner_of_parameter(int(i), me())});
        }
        for (std::size_t i = 0; i < part_.steps.size(); ++i) {
            if (part_.steps[i].y.empty()) continue;
            plan_.for_each_parameter(
                plan_.steps[i], [&](int p) { part_.parameters[std::size_t(p)].needed = true; });
        }
    }

    /// Whether a tensor comes from outside and only convolutions by their sum read it, so that few
    /// channels need not take a whole block.
    constexpr bool is_image(int t) const {
        if (all_.tensor_at(t).producer >= 0 || all_.extents(t).c > part_.of.image_block)
            return false;
        for (int i = 0; i < int(plan_.steps.size()); ++i) {
            const auto& s = all_.step_at(i);
            const bool takes = traits_of(s.what).takes_image_blocks &&
                               filters_of(s.what).groups == 1 && !all_.tile(i);
            const int input = s.inputs.index_of(t);
            if (input > 0 || (input == 0 && (!takes || s.residual() == t))) return false;
        }
        return true;
    }

    /// Works out what memory a tensor takes. Sums of several leaves lie beside each other, one
    /// piece for each level of the tree.
    constexpr void size_tensor(std::size_t t) {
        auto& mine = part_.tensors[t];
        mine.inside = intersection(mine.held, whole(all_.extents(static_cast<int>(t))));
        if (mine.home < 0) {
            mine.bytes = storage(mine.held.extents(), mine.block) * size_of(mine.element);
        }
        if (plan_.tensors[t].where.partial.empty()) return;
        const auto& from = all_.step_at(plan_.tensors[t].producer);
        int leaves = 1;  // the same for all who have one memory
        for_each_mate(
            [&](int r) { leaves = std::max(leaves, all_.share_of(from, r).leaves.size()); });
        const int levels = std::bit_width(unsigned(leaves));
        mine.copy = mine.bytes * levels;
        mine.bytes = mine.copy * part_.of.mates(me()).size();
    }

    constexpr void add_exchanges(int i) {
        const auto& s = all_.step_at(i);
        for (int k = 0; k < s.inputs.size(); ++k) {
            if (s.inputs.is_first(k)) add_exchange(i, s.inputs[k]);
        }
    }

    [[gnu::cold]] constexpr void add_exchange(int i, int t) {
        if (!all_.tensor_at(t).where.partial.empty()) return add_reduction(i, t);
        if (part_.of.who.ranks == 1) return;
        const layout key = all_.key_of(i, t);
        if (is_done(t, key) || !moves(t, key)) return;

        exchange e{t, i, between(all_.tensor_at(t).where, key, true), {}, {}, {}};
        const range mates = part_.of.mates(me());
        for (int q = 0; q < part_.of.who.ranks; ++q) {
            if (mates.contains({q, q + 1})) continue;
            if (receiver(me(), q) == q) add(e.sends, q, taken_by(q, me(), t, key));
            if (receiver(q, me()) == me()) add(e.receives, q, taken_by(me(), q, t, key));
        }
        e.taken = key;
        push(std::move(e));
    }

    /// before: ranks of a row [a a a], [b b b], [c c c]   after: [abc . .], [. abc .], [. . abc]
    [[gnu::cold]] constexpr void add_reduction(int i, int t) {
        const auto& s = all_.step_at(i);
        exchange e{t,   i,  between(all_.tensor_at(t).where, all_.tensor_at(s.y).where, false),
                   {},  {}, {},
                   true};
        const range mates = part_.of.mates(me());
        const box mine = all_.read(s, t, me());
        for (int q = 0; q < part_.of.who.ranks; ++q) {
            const bool is_mate = mates.contains({q, q + 1});
            if (!is_mate && all_.is_source(t, me(), q)) {
                add(e.sends, q, intersection(all_.owner(t, me()), all_.read(s, t, q)));
            }
            if (!all_.is_source(t, q, me())) continue;
            const box b = intersection(all_.cut_of(t, q), mine);
            if (b.empty()) continue;
            summand from;
            if (!all_.owner(t, q).empty()) {
                from = is_mate ? summand{summand::place::here, q - mates.lo}
                               : summand{summand::place::received, int(e.receives.size())};
                if (!is_mate) add(e.receives, q, b);
            }
            sum_of(e, b).summands.push_back(from);
        }
        push(std::move(e));
    }
    static constexpr cut_sum& sum_of(exchange& e, const box& what) {
        for (auto& s : e.sums) {
            if (s.what == what) return s;
        }
        e.sums.push_back({what, {}});
        return e.sums.back();
    }

    static constexpr void add(growing<message>& to, int peer, const box& what) {
        if (!what.empty()) to.push_back({peer, what});
    }
    [[gnu::cold]] constexpr void push(exchange e) {
        traffic sum;
        const dtype element = all_.element_of(e.tensor);
        for (const auto& m : e.sends) {
            const long bytes = message_bytes(m.what, part_.of, element);
            sum += {.bytes_sent = bytes, .messages_sent = messages_for(bytes)};
        }
        for (const auto& m : e.receives) {
            const long bytes = message_bytes(m.what, part_.of, element);
            sum += {.bytes_received = bytes, .messages_received = messages_for(bytes)};
        }
        part_.steps[static_cast<std::size_t>(e.before_step)].before += sum;
        part_.predicted += sum;
        part_.exchanges.push_back(std::move(e));
    }

    /// The box that the team of `rank` takes from q, who is not one of it.
    constexpr box taken_by(int rank, int q, int t, const layout& key) const {
        if (!all_.is_source(t, q, part_.of.mates(rank).lo)) return {};
        return intersection(all_.owner(t, q), needed_by_team(t, key, rank));
    }
    /// The same on all ranks.
    constexpr bool moves(int t, const layout& key) const {
        const int ranks = part_.of.who.ranks;
        for (int r = 0; r < ranks; ++r) {
            const range mates = part_.of.mates(r);
            const box need = needed_by_team(t, key, r);
            if (mates.size() == 1 && all_.owner(t, r).contains(need)) continue;
            for (int q = 0; q < ranks; ++q) {
                if (mates.contains({q, q + 1}) || !all_.is_source(t, q, mates.lo)) continue;
                if (!intersection(all_.owner(t, q), need).empty()) return true;
            }
        }
        return false;
    }

    /// The member of q's team that takes what `sender` has for the team.
    constexpr int receiver(int sender, int q) const {
        const range team = part_.of.mates(q);
        return team.lo + sender % team.size();
    }
    constexpr box needed_by_team(int t, const layout& key, int rank) const {
        box all;
        const range team = part_.of.mates(rank);
        for (int r = team.lo; r < team.hi; ++r) all = hull(all, all_.needed(t, key, r));
        return all;
    }

    constexpr bool is_done(int t, const layout& key) const {
        for (const auto& e : part_.exchanges) {
            if (e.tensor == t && e.taken == key) return true;
        }
        return false;
    }

    plan plan_;
    geometry all_;
    part part_;
};

}  // namespace detail

/// What one rank does of a plan.
/// requires: a plan without mismatch. Cost: O(steps * ranks * readers); constexpr, so that bytes
/// and messages of a static mesh can stand in a static_assert.
template <class OnlyIfCalled = void>
constexpr part partition(const plan& p, const setting& s) {
    return detail::partition<>(p, s).run();
}

}  // namespace mpar
