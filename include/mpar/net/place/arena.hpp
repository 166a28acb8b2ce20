// SPDX-License-Identifier: MIT
// The arena: where each tensor lies in the one piece of memory that a rank has for all. Knows boxes
// and steps, allocates nothing.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/net/plan/plan.hpp>

#include <algorithm>
#include <cstddef>

namespace mpar::detail {

/// Gives every tensor of a part its offset. Returns how many bytes they take together.
///
/// A tensor lies where no other does between its producer and its last reader: first fit. But a sum
/// lies where its residual did, which spares the caches a tensor. Tensors that have a home lie there.
template <class Part>
class arena {
public:
    [[gnu::cold]] constexpr arena(const plan& p, Part& mine) : plan_(p), part_(mine) {
        for (const auto& t : p.tensors) lives_.push_back({t.producer, t.last_reader});
        for (std::size_t t = 0; t < lives_.size(); ++t) {
            const int home = mine.tensors[t].home;
            if (home < 0) continue;
            auto& all = lives_[std::size_t(home)];
            all = {std::min(all.begin, lives_[t].begin), std::max(all.end, lives_[t].end)};
        }
        // What holds all images is read and written as long as slices of them go by.
        for (const auto& s : mine.slices) {
            for (std::size_t t = 0; t < lives_.size(); ++t) {
                auto& all = lives_[t];
                if (mine.tensors[t].images || all.begin >= s.end || all.end < s.first) continue;
                all = {std::min(all.begin, s.first), std::max(all.end, s.end - 1)};
            }
        }
    }

    [[gnu::cold]] constexpr long place() {
        long end = 0;
        for (std::size_t t = 0; t < part_.tensors.size(); ++t) {
            auto& mine = part_.tensors[t];
            if (mine.home >= 0) continue;
            const int residual = replaced(t);
            if (residual >= 0) mine.offset = part_.tensors[std::size_t(residual)].offset;
            if (residual < 0 || next_place(t, residual) != mine.offset) {
                mine.offset = 0;
                for (long before = -1; before != mine.offset;) {
                    before = mine.offset;
                    mine.offset = next_place(t, -1);
                }
            }
            end = std::max(end, mine.offset + room_of(t));
        }
        for (auto& t : part_.tensors) {
            if (t.home < 0) continue;
            const long pixels = long(t.held.h.size()) * t.held.w.size();
            t.offset = part_.tensors[std::size_t(t.home)].offset +
                       t.home_channel * pixels * size_of(t.element);
        }
        return end;
    }

private:
    /// The steps from a tensor's first writer to its last reader, of all that lie in it too.
    struct life {
        int begin = 0, end = 0;
    };

    constexpr long room_of(std::size_t t) const {
        constexpr long aligned = 128;
        return round_up(part_.tensors[t].bytes, aligned);
    }

    /// Where tensor t lies; or the end of one before it, not `except`, that lies there too.
    constexpr long next_place(std::size_t t, int except) const {
        const long begin = part_.tensors[t].offset, end = begin + room_of(t);
        for (std::size_t u = 0; u < t; ++u) {
            const long other = part_.tensors[u].offset, other_end = other + room_of(u);
            if (int(u) == except || part_.tensors[u].home >= 0 || !live_together(t, u)) continue;
            if (begin < other_end && other < end) return other_end;
        }
        return begin;
    }
    constexpr bool live_together(std::size_t t, std::size_t u) const {
        return lives_[t].begin <= lives_[u].end && lives_[u].begin <= lives_[t].end;
    }

    /// The residual whose memory tensor t may have, or -1: it has the same boxes, no exchange comes
    /// meanwhile, and nothing else reads it from this step on. Where each rank of a team computes
    /// its own part in one memory, another may be some steps behind and read it still.
    constexpr int replaced(std::size_t t) const {
        const int i = plan_.tensors[t].producer;
        if (i < 0 || !part_.of.first_seats.empty()) return -1;
        const auto& s = plan_.steps[std::size_t(i)];
        const int added = s.replaceable();
        if (added < 0) return -1;
        const std::size_t r = std::size_t(added);
        if (plan_.tensors[r].last_reader != i) return -1;
        if (part_.tensors[r].home >= 0 || part_.tensors[r].is_home) return -1;
        for (const auto& e : part_.exchanges) {
            if (e.tensor == added && e.before_step == i) return -1;
        }
        const auto &mine = part_.tensors[t], &other = part_.tensors[r];
        return mine.held == other.held && mine.inside == other.inside ? added : -1;
    }

    const plan& plan_;
    Part& part_;
    growing<life> lives_;
};

template <class Part>
constexpr long place_tensors(const plan& p, Part& mine) {
    return arena<Part>(p, mine).place();
}

}  // namespace mpar::detail
