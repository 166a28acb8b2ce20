// SPDX-License-Identifier: MIT
// Which tensors have their home in another one, in whose memory they lie, so that joining and
// taking channels moves nothing. Knows boxes and steps, no memory.
#pragma once

#include <mpar/net/plan/plan.hpp>

#include <cstddef>
#include <cstdlib>

namespace mpar::detail {

/// The arms of a concat lie in what they are joined to, taken channels in what they are taken from:
/// where whole blocks of channels meet whole blocks, and every rank owns the same part of both.
/// Nobody writes to such memory twice, and it is free when the last reader of the whole or of any
/// part is done.
///
/// `Owner` is called as owner(tensor, rank) and gives the box that a rank owns.
template <class Part, class Owner>
class homes {
public:
    constexpr homes(const plan& p, Part& mine, Owner owner)
        : plan_(p), part_(mine), owner_(owner) {}

    [[gnu::cold]] constexpr void find() {
        bool any = false;
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            const auto& s = plan_.steps[i];
            if (!traits_of(s.what).moves_channels) continue;
            const bool joins = channels(s.x()) <= channels(s.y);
            const int shift = index_map_of(s.what).shift;
            part_.steps[i].in_place =
                joins ? lay(s.x(), s.y, -shift) : lay(s.y, s.x(), shift);
            any = any || part_.steps[i].in_place;
        }
        if (any) share_boxes();
    }

private:
    constexpr int channels(int t) const {
        return plan_.tensors[static_cast<std::size_t>(t)].extents.c;
    }
    constexpr auto& at(int t) { return part_.tensors[static_cast<std::size_t>(t)]; }

    /// Lets `inner` lie in `outer` from channel `from` on, where it can. returns: whether it does.
    constexpr bool lay(int inner, int outer, int from) {
        const int block = part_.of.block, count = channels(inner), end = from + count;
        const bool whole_blocks =
            from % block == 0 && (count % block == 0 || end == channels(outer));
        const bool holds_all =
            at(inner).held.c == range{0, count} && at(outer).held.c == range{0, channels(outer)};
        if (at(inner).home >= 0 || !whole_blocks || !holds_all) return false;
        for (int rank = 0; rank < part_.of.who.ranks; ++rank) {
            box theirs = owner_(outer, rank);
            theirs.c = intersection(theirs.c, {from, end});
            theirs.c = {theirs.c.lo - from, theirs.c.hi - from};
            const box own = owner_(inner, rank);
            if (own != theirs && !(own.empty() && theirs.empty())) return false;
        }
        at(inner).home = outer;
        at(inner).home_channel = from;
        return true;
    }

    /// Homes become the outermost ones; all in one hold the same rows, columns and images.
    constexpr void share_boxes() {
        for (auto& t : part_.tensors) {
            while (t.home >= 0 && at(t.home).home >= 0) {
                t.home_channel += at(t.home).home_channel;
                t.home = at(t.home).home;
            }
            if (t.home < 0) continue;
            auto& home = at(t.home);
            home.is_home = true;
            const range all = home.held.c;
            home.held = hull(home.held, t.held);
            home.held.c = all;
        }
        for (auto& t : part_.tensors) {
            if (t.home < 0) continue;
            const range own = t.held.c;
            t.held = at(t.home).held;
            t.held.c = own;
        }
    }

    const plan& plan_;
    Part& part_;
    Owner owner_;
};

}  // namespace mpar::detail
