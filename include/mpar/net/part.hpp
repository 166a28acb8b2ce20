// SPDX-License-Identifier: MIT
// One rank's part of a plan: boxes, messages, memory. Computed, never negotiated: each rank knows
// what the others will send. Knows no memory and no MPI.
#pragma once

#include <mpar/comm/traffic.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/net/arena.hpp>
#include <mpar/net/homes.hpp>
#include <mpar/net/plan.hpp>
#include <mpar/shard/transition.hpp>
#include <mpar/tensor/view.hpp>

#include <span>
#include <vector>

namespace mpar {

/// For whom a plan is worked out.
struct setting {
    seat who;
    int batch = 1;
    int block = 1;         ///< channels side by side in the backend's memory
    int element_size = 4;  ///< bytes
    /// The first seats of teams whose members have one memory; none: each seat has its own.
    std::span<const int> first_seats{};
    /// Backend::winograd_tile where convolutions may be computed so; nullptr: by the sum only.
    int (*winograd_tile)(const convolution& layer, const shape& y) = nullptr;

    /// The seats that have one memory with `rank`.
    constexpr range mates(int rank) const {
        range r{rank, rank + 1};
        if (first_seats.empty()) return r;
        r = {0, who.ranks};
        for (const int first : first_seats) {
            if (first <= rank) r.lo = first;
            if (first > rank) r.hi = std::min(r.hi, first);
        }
        return r;
    }
};

/// A box that travels, in the indices of the whole tensor.
struct message {
    int peer = 0;
    box what;
};

/// What a tensor's readers need and its owners hold: done before the first of those readers.
struct exchange {
    int tensor = -1;
    int before_step = -1;
    transition name = transition::nothing;
    std::vector<message> sends, receives;  ///< this rank's
    /// Travels while rows are computed that others do not wait for, and that do not wait for others:
    /// started by the tensor's producer, awaited by `before_step`.
    bool overlapped = false;
};

/// This rank's part of one tensor.
struct tensor_part {
    box owned;        ///< what it computes
    box held;         ///< what its memory, or its team's, holds: owned, halos, padding; may reach
                      ///< beyond the image
    box inside;       ///< held without the padding
    long offset = 0;  ///< in elements, into the arena: where its first channel begins
    long elements = 0;     ///< of memory of its own
    int home = -1;         ///< the tensor in whose memory it lies
    int home_channel = 0;  ///< its first channel there
    bool is_home = false;  ///< whether others lie in it
};

/// This rank's part of one step.
struct step_part {
    box y;         ///< what it computes
    box x;         ///< what it reads for that, padding included
    int tile = 0;  ///< of a convolution computed by Winograd's filtering
    range early;   ///< rows of y that need nothing of an overlapped exchange before the step
    range late;    ///< rows of y that no overlapped exchange of y sends
    bool in_place = false;  ///< y lies where it is to lie: nothing is run
    long flops = 0;
    traffic before;  ///< predicted, of the exchanges before it
};

/// All of it.
struct part {
    setting of;
    std::vector<tensor_part> tensors;
    std::vector<step_part> steps;
    std::vector<exchange> exchanges;  ///< in the order of their steps
    long arena_elements = 0;
    traffic predicted;  ///< of one forward

    /// As one sees it for whom another member of its team sends and receives.
    void leave_messages() {
        for (auto& e : exchanges) e.sends.clear(), e.receives.clear();
        for (auto& s : steps) s.before = {};
        predicted = {};
    }
};

/// Bytes of a box in a message: whole channel blocks, as they lie in memory.
constexpr long message_bytes(const box& b, const setting& s) {
    return storage(b.extents(), s.block) * s.element_size;
}

namespace detail {

constexpr shape with_batch(shape s, int batch) {
    s.n = batch;
    return s;
}

class partition {
public:
    constexpr partition(const plan& p, const setting& s) : plan_(p) { part_.of = s; }

    constexpr part run() {
        part_.tensors.resize(plan_.tensors.size());
        part_.steps.resize(plan_.steps.size());
        for (std::size_t t = 0; t < part_.tensors.size(); ++t) {
            auto& mine = part_.tensors[t];
            mine.owned = owner(static_cast<int>(t), part_.of.who.rank);
            for_each_mate([&](int r) { mine.held = hull(mine.held, owner(int(t), r)); });
        }
        for (std::size_t i = 0; i < part_.steps.size(); ++i) {
            part_.steps[i].tile = tile_of(plan_.steps[i]);
        }
        for (std::size_t i = 0; i < part_.steps.size(); ++i) add_step(static_cast<int>(i));
        for (std::size_t i = 0; i < part_.steps.size(); ++i) add_exchanges(static_cast<int>(i));
        for (auto& e : part_.exchanges) overlap(e);
        homes(plan_, part_, [this](int t, int rank) { return owner(t, rank); }).find();
        for (std::size_t t = 0; t < part_.tensors.size(); ++t) {
            auto& mine = part_.tensors[t];
            mine.inside = intersection(mine.held, whole(extents(static_cast<int>(t))));
            mine.elements = mine.home < 0 ? storage(mine.held.extents(), part_.of.block) : 0;
        }
        part_.arena_elements = place_tensors(plan_, part_);
        return std::move(part_);
    }

private:
    template <class F>
    constexpr void for_each_mate(F f) const {
        const range mates = part_.of.mates(part_.of.who.rank);
        for (int r = mates.lo; r < mates.hi; ++r) f(r);
    }

    constexpr const step& step_at(int i) const { return plan_.steps[static_cast<std::size_t>(i)]; }
    constexpr const tensor& tensor_at(int t) const {
        return plan_.tensors[static_cast<std::size_t>(t)];
    }
    constexpr shape extents(int t) const {
        return with_batch(tensor_at(t).extents, part_.of.batch);
    }

    constexpr box owner(int t, int rank) const {
        return owned(tensor_at(t).where, extents(t), {rank, part_.of.who.ranks}, part_.of.block);
    }
    /// What a rank computes in a step; all of it for the result.
    constexpr box computed(const step& s, int rank) const {
        return s.y < 0 ? whole(extents(s.x)) : owner(s.y, rank);
    }
    /// What a rank reads of tensor t in a step, padding included.
    constexpr box read(const step& s, int t, int rank) const {
        const box y = computed(s, rank);
        box b = s.residual == t ? y : box{};
        const int tile = part_.steps[std::size_t(&s - plan_.steps.data())].tile;
        return s.x == t ? hull(b, reads(s.what, y, extents(t), part_.of.block, tile)) : b;
    }
    /// The same on all ranks, whatever part of y they compute.
    constexpr int tile_of(const step& s) const {
        if (s.what.kind != op::convolution || !part_.of.winograd_tile) return 0;
        const shape y = extents(s.y);
        return part_.of.winograd_tile(problem_of(s.what, {0, s.what.in}, whole(y)), y);
    }
    /// The layout in which a step takes tensor t.
    constexpr layout taken(const step& s, int t) const {
        if (s.y < 0) return layout::replicate;
        const layout y = tensor_at(s.y).where;
        return s.x == t ? input_layout(s.what, y) : y;
    }

    constexpr void add_step(int i) {
        const auto& s = step_at(i);
        auto& mine = part_.steps[static_cast<std::size_t>(i)];
        const int me = part_.of.who.rank;
        mine.y = computed(s, me);
        mine.x = reads(s.what, mine.y, extents(s.x), part_.of.block, mine.tile);
        mine.flops = flops(s.what, mine.y, extents(s.x));
        for (const int t : {s.x, s.residual}) {
            if (t < 0) continue;
            auto& held = part_.tensors[static_cast<std::size_t>(t)].held;
            for_each_mate([&](int r) { held = hull(held, read(s, t, r)); });
        }
    }

    constexpr void add_exchanges(int i) {
        const auto& s = step_at(i);
        add_exchange(i, s.x);
        if (s.residual >= 0 && s.residual != s.x) add_exchange(i, s.residual);
    }

    /// Readers that take a tensor in one layout share an exchange; one that takes it whole serves
    /// all.
    constexpr void add_exchange(int i, int t) {
        if (tensor_at(t).where == layout::replicate || part_.of.who.ranks == 1) return;
        layout key = taken(step_at(i), t);
        for (int j = 0; j < static_cast<int>(plan_.steps.size()); ++j) {
            if (reads_tensor(j, t) && taken(step_at(j), t) == layout::replicate) {
                key = layout::replicate;
            }
        }
        const int ranks = part_.of.who.ranks;
        bool moves = false;
        for (int q = 0; q < ranks && !moves; ++q) {
            moves = !owner_of_team(t, q).contains(needed_by_team(t, key, q));
        }
        if (!moves || is_done(t, key)) return;

        exchange e{t, i, between(tensor_at(t).where, key, true), {}, {}};
        const int me = part_.of.who.rank;
        const range mates = part_.of.mates(me);
        traffic sum;
        for (int q = 0; q < ranks; ++q) {
            if (mates.contains({q, q + 1})) continue;
            if (receiver(me, q) == q) {
                if (const box b = intersection(owner(t, me), needed_by_team(t, key, q));
                    !b.empty()) {
                    const long bytes = message_bytes(b, part_.of);
                    e.sends.push_back({q, b});
                    sum += {.bytes_sent = bytes, .messages_sent = messages_for(bytes)};
                }
            }
            if (receiver(q, me) == me) {
                if (const box b = intersection(owner(t, q), needed_by_team(t, key, me));
                    !b.empty()) {
                    const long bytes = message_bytes(b, part_.of);
                    e.receives.push_back({q, b});
                    sum += {.bytes_received = bytes, .messages_received = messages_for(bytes)};
                }
            }
        }
        part_.steps[static_cast<std::size_t>(i)].before += sum;
        part_.predicted += sum;
        done_.push_back({t, key});
        part_.exchanges.push_back(std::move(e));
    }

    /// Divides the rows of an exchange's producer and first reader, where there are enough of them to
    /// be worth it: a kernel on few rows is slow.
    constexpr void overlap(exchange& e) {
        const int producer = tensor_at(e.tensor).producer;
        const step& reader = step_at(e.before_step);
        if (!part_.of.first_seats.empty() || e.name != transition::halo || producer < 0 ||
            reader.y < 0 || reader.x != e.tensor || reader.what.kind == op::channels ||
            step_at(producer).what.kind == op::channels ||
            tensor_at(e.tensor).where != layout::shard_h || is_shared_wait(e)) {
            return;
        }
        const range own = part_.tensors[std::size_t(e.tensor)].owned.h;
        if (own.size() < 3 * reader.what.window.h.span()) return;
        auto& waits = part_.steps[std::size_t(e.before_step)];
        waits.early = rows_within(waits.y.h, waits.tile, [&](range r) {
            box y = waits.y;
            y.h = r;
            const shape x = extents(e.tensor);
            const range read = reads(reader.what, y, x, part_.of.block, waits.tile).h;
            return own.contains(intersection(read, {0, x.h}));
        });
        if (waits.early.empty()) return;
        e.overlapped = true;
        auto& sends = part_.steps[std::size_t(producer)];
        if (!sends.early.empty()) return;  // it waits itself: its edges come last
        sends.late = rows_within(sends.y.h, sends.tile, [&](range r) {
            for (const auto& m : e.sends) {
                if (!intersection(m.what.h, r).empty()) return false;
            }
            return true;
        });
        if (sends.late == sends.y.h) sends.late = {};
    }
    /// The longest run of whole tiles of rows that `holds`; it must hold for a middle part, if any.
    template <class Predicate>
    static constexpr range rows_within(range rows, int tile, Predicate holds) {
        const int step = std::max(tile, 1);
        range longest, run;
        for (int lo = rows.lo; lo < rows.hi;) {
            const int hi = std::min(rows.hi, (lo / step + 1) * step);
            if (holds({lo, hi})) {
                run = run.empty() ? range{lo, hi} : range{run.lo, hi};
                if (run.size() > longest.size()) longest = run;
            } else {
                run = {};
            }
            lo = hi;
        }
        return longest;
    }
    /// Whether another exchange comes before the same step.
    constexpr bool is_shared_wait(const exchange& e) const {
        for (const auto& other : part_.exchanges) {
            if (&other != &e && other.before_step == e.before_step) return true;
        }
        return false;
    }

    /// Who of q's team takes what `sender` has for it.
    constexpr int receiver(int sender, int q) const {
        const range team = part_.of.mates(q);
        return team.lo + sender % team.size();
    }
    constexpr box owner_of_team(int t, int rank) const {
        box all;
        const range team = part_.of.mates(rank);
        for (int r = team.lo; r < team.hi; ++r) all = hull(all, owner(t, r));
        return all;
    }
    constexpr box needed_by_team(int t, layout key, int rank) const {
        box all;
        const range team = part_.of.mates(rank);
        for (int r = team.lo; r < team.hi; ++r) all = hull(all, needed(t, key, r));
        return all;
    }

    constexpr bool reads_tensor(int i, int t) const {
        return step_at(i).x == t || step_at(i).residual == t;
    }
    constexpr bool is_done(int t, layout key) const {
        for (const auto& d : done_) {
            if (d.tensor == t && d.key == key) return true;
        }
        return false;
    }
    struct key_of {
        int tensor;
        layout key;
    };

    /// What a rank needs of tensor t for all its readers of that layout, without padding.
    constexpr box needed(int t, layout key, int rank) const {
        box all;
        for (int i = tensor_at(t).producer + 1; i <= tensor_at(t).last_reader; ++i) {
            if (!reads_tensor(i, t)) continue;
            if (key != layout::replicate && taken(step_at(i), t) != key) continue;
            all = hull(all, read(step_at(i), t, rank));
        }
        return intersection(all, whole(extents(t)));
    }

    plan plan_;
    part part_;
    std::vector<key_of> done_;
};

}  // namespace detail

/// What one rank does of a plan.
/// requires: a plan without mismatch. Cost: O(steps * ranks * readers); constexpr, so that bytes
/// and messages of a static mesh can stand in a static_assert.
constexpr part partition(const plan& p, const setting& s) { return detail::partition(p, s).run(); }

}  // namespace mpar
