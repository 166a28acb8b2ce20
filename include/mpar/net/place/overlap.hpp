// SPDX-License-Identifier: MIT
// Which halos travel while their ranks compute, and what is computed meanwhile. A halo is the rows
// and columns that a rank reads and its neighbours own. Knows boxes, no memory.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/place/geometry.hpp>
#include <mpar/net/place/part.hpp>

#include <algorithm>

namespace mpar::detail {

/// Divides the outputs of exchanges' producers and first readers into a middle and its edges, where
/// the middle is large enough to be worth it: a kernel on a narrow edge is slow.
/// A template as partition is.
template <class OnlyIfCalled = void>
class overlaps {
public:
    constexpr overlaps(const geometry& all, part& mine) : all_(all), part_(mine) {}

    constexpr void find() {
        for (auto& e : part_.exchanges) find(e);
    }

private:
    [[gnu::cold]] constexpr void find(exchange& e) {
        const auto& from = all_.tensor_at(e.tensor);
        const step& reader = all_.step_at(e.before_step);
        const auto waits_for = [](const step& s) { return traits_of(s.what).waits_for_halo; };
        if (!part_.of.first_seats.empty() || e.name != transition::halo || from.producer < 0 ||
            reader.y < 0 || reader.x() != e.tensor || !waits_for(reader) ||
            !waits_for(all_.step_at(from.producer)) || !is_spatial(from.where) ||
            is_shared_wait(e)) {
            return;
        }
        const box& own = part_.tensors[std::size_t(e.tensor)].owned;
        const sliding window = index_map_of(reader.what).window;
        const int spans = part_.of.divides.spans_of_middle;
        if ((!from.where.h.empty() && own.h.size() < spans * window.h.span()) ||
            (!from.where.w.empty() && own.w.size() < spans * window.w.span())) {
            return;
        }
        auto& waits = part_.steps[std::size_t(e.before_step)];
        waits.early = early_of(e, reader, waits, own);
        if (waits.early.empty()) return;
        e.overlapped = true;
        auto& sends = part_.steps[std::size_t(from.producer)];
        if (!sends.early.empty()) {  // it waits itself: its edges come when they can
            sends.sends_edges = leaves_out(e.sends, sends.early);
            return;
        }
        sends.late = late_of(e, sends);
        if (sends.late == sends.y) sends.late = {};
    }

    static constexpr bool is_spatial(const layout& l) {
        return l.c.empty() && l.partial.empty() && l.n == axes{mesh_axis::data} && l.stage < 0 &&
               (!l.h.empty() || !l.w.empty());
    }

    /// Whether lines of a reader's output read only what this rank has. (Types with names, as a
    /// lambda's is long.)
    struct is_at_hand {
        const geometry& all;
        const step& reader;
        const box &y, &own;
        shape image;
        int rank;
        bool by_rows;

        constexpr bool operator()(range r) const {
            box part = y;
            (by_rows ? part.h : part.w) = r;
            const box read = all.read_x(reader, part, rank);
            return by_rows ? own.h.contains(intersection(read.h, {0, image.h}))
                           : own.w.contains(intersection(read.w, {0, image.w}));
        }
    };
    /// Whether no message takes anything of lines of y. A message of some of the rows is kept away from
    /// by rows, one of all of them by columns.
    struct is_kept {
        const growing<message>& sends;
        const box& y;
        bool by_rows;

        constexpr bool operator()(range r) const {
            for (const auto& m : sends) {
                const bool has_all_rows = m.what.h.contains(y.h);
                if (has_all_rows == by_rows) continue;
                if (!intersection(by_rows ? m.what.h : m.what.w, r).empty()) return false;
            }
            return true;
        }
    };

    /// Whether messages take nothing of a box.
    static constexpr bool leaves_out(const growing<message>& sends, const box& middle) {
        for (const auto& m : sends) {
            if (!intersection(m.what, middle).empty()) return false;
        }
        return true;
    }
    constexpr box early_of(const exchange& e, const step& reader, const step_part& waits,
                           const box& own) const {
        is_at_hand holds{all_, reader, waits.y, own, all_.extents(e.tensor), part_.of.who.rank,
                         true};
        box y = waits.y;
        y.h = within(waits.y.h, waits.tile, holds);
        holds.by_rows = false;
        y.w = within(waits.y.w, waits.tile, holds);
        return if_enough_columns(y, waits.y);
    }
    constexpr box late_of(const exchange& e, const step_part& sends) const {
        box y = sends.y;
        y.h = within(y.h, sends.tile, is_kept{e.sends, sends.y, true});
        y.w = within(y.w, sends.tile, is_kept{e.sends, sends.y, false});
        return if_enough_columns(y, sends.y);
    }
    /// Columns are divided where the middle has enough of them, else nothing is.
    constexpr box if_enough_columns(const box& middle, const box& y) const {
        const long all = long(part_.of.divides.columns_of_middle) * middle.w.size();
        return all < y.w.size() ? box{} : middle;
    }

    /// The longest run of whole tiles of a line that `holds`; it must hold for a middle part, if any.
    template <class Predicate>
    static constexpr range within(range line, int tile, Predicate holds) {
        const int step = std::max(tile, 1);
        range longest, run;
        for (int lo = line.lo; lo < line.hi;) {
            const int hi = std::min(line.hi, (lo / step + 1) * step);
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

    const geometry& all_;
    part& part_;
};

/// The first rows of a middle, in whole tiles, after which messages are looked at again. `x`: the whole
/// image it reads.
constexpr range first_rows(const operation& what, const box& middle, const shape& x, int tile,
                           const granularity& divides) {
    box row = middle;
    row.h.hi = row.h.lo + 1;
    const long flops_each = std::max(1L, flops(what, row, x));
    const long pixels_each = std::max(1L, long(row.n.size()) * row.w.size());
    const long rows = std::max(ceil_div(divides.flops_between_looks, flops_each),
                               ceil_div(divides.pixels_between_looks, pixels_each));
    if (2 * rows > middle.h.size()) return middle.h;
    return {middle.h.lo, round_up(middle.h.lo + int(rows), std::max(tile, 1))};
}

template <class OnlyIfCalled = void>
constexpr void find_overlaps(const geometry& all, part& mine) {
    overlaps<>(all, mine).find();
}

}  // namespace mpar::detail
