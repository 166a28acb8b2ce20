// SPDX-License-Identifier: MIT
// Which halos travel under work, and which rows are computed meanwhile. Knows boxes, no memory.
#pragma once

#include <mpar/net/geometry.hpp>
#include <mpar/net/part.hpp>

#include <algorithm>

namespace mpar::detail {

/// Divides the rows of exchanges' producers and first readers, where there are enough of them to be
/// worth it: a kernel on few rows is slow.
class overlaps {
public:
    constexpr overlaps(const geometry& all, part& mine) : all_(all), part_(mine) {}

    constexpr void find() {
        for (auto& e : part_.exchanges) find(e);
    }

private:
    constexpr void find(exchange& e) {
        const auto& from = all_.tensor_at(e.tensor);
        const step& reader = all_.step_at(e.before_step);
        if (!part_.of.first_seats.empty() || e.name != transition::halo || from.producer < 0 ||
            reader.y < 0 || reader.x != e.tensor || reader.what.kind == op::channels ||
            all_.step_at(from.producer).what.kind == op::channels || from.where != layout::shard_h ||
            is_shared_wait(e)) {
            return;
        }
        const range own = part_.tensors[std::size_t(e.tensor)].owned.h;
        if (own.size() < 3 * reader.what.window.h.span()) return;
        auto& waits = part_.steps[std::size_t(e.before_step)];
        waits.early = rows_within(waits.y.h, waits.tile, [&](range r) {
            box y = waits.y;
            y.h = r;
            const range read = all_.read_x(reader, y, part_.of.who.rank).h;
            return own.contains(intersection(read, {0, all_.extents(e.tensor).h}));
        });
        if (waits.early.empty()) return;
        e.overlapped = true;
        auto& sends = part_.steps[std::size_t(from.producer)];
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

    const geometry& all_;
    part& part_;
};

constexpr void find_overlaps(const geometry& all, part& mine) { overlaps(all, mine).find(); }

}  // namespace mpar::detail
