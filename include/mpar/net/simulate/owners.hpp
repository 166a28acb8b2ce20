// SPDX-License-Identifier: MIT
// Who owns a part of a tensor that a rank reads, found by search among the cuts instead of by asking
// every rank. Knows boxes, no message.
#pragma once

#include <mpar/net/place/geometry.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace mpar::detail {

/// The cuts of one tensor. Along each dimension parts lie in order, so that those which a box touches
/// are neighbours; an owner is one part of each dimension, and its rank the sum of their strides.
class owners {
public:
    owners(const geometry& all, const seat& any, int t)
        : all_(all), any_(any), where_(all.tensor_at(t).where) {
        const shape s = all_.extents(t);
        const grains by = all_.grains_of(t);
        cut_along(0, where_.n, s.n, 1);
        cut_along(1, where_.c, s.c, by.c);
        cut_along(2, where_.h, s.h, by.h);
        cut_along(3, where_.w, s.w, by.w);
        cut_sum(t);
    }

    /// f(rank, box) for each other rank that `reader` takes a part of the box from.
    template <class F>
    void each(const box& need, int reader, F f) const {
        const auto n = touching(0, need.n), c = touching(1, need.c), h = touching(2, need.h),
                   w = touching(3, need.w);
        const int base = base_of(reader);
        for (const auto* pn = n.first; pn != n.last; ++pn) {
            for (const auto* pc = c.first; pc != c.last; ++pc) {
                for (const auto* ph = h.first; ph != h.last; ++ph) {
                    for (const auto* pw = w.first; pw != w.last; ++pw) {
                        const box b{intersection(pn->what, need.n), intersection(pc->what, need.c),
                                    intersection(ph->what, need.h), intersection(pw->what, need.w)};
                        for (const int summand : summands_) {
                            const int rank =
                                base + pn->shift + pc->shift + ph->shift + pw->shift + summand;
                            if (rank != reader) f(rank, b);
                        }
                    }
                }
            }
        }
    }

private:
    struct piece {
        range what;
        int shift = 0;  ///< of the rank
    };
    struct pieces {
        const piece *first, *last;
    };

    int stride(mesh_axis a) const {
        return a == mesh_axis::data    ? any_.model()
               : a == mesh_axis::first ? any_.extent(mesh_axis::second)
                                       : 1;
    }
    int shift_of(const axes& along, int index) const {
        int shift = 0;
        for (int i = along.count - 1; i >= 0; --i) {
            const auto a = along[i];
            shift += index % any_.extent(a) * stride(a);
            index /= any_.extent(a);
        }
        return shift;
    }
    /// Parts that hold something.
    void cut_along(std::size_t dimension, const axes& along, int extent, int grain) {
        const int parts = along.parts(any_);
        for (int i = 0; i < parts; ++i) {
            const range r = cut(extent, seat{i, parts}, grain);
            if (!r.empty()) cuts_[dimension].push_back({r, shift_of(along, i)});
        }
    }
    /// Ranks along the axes of a cut sum have summands of the same box.
    void cut_sum(int t) {
        if (where_.partial.empty()) {
            summands_.push_back(0);
            return;
        }
        const auto& from = all_.step_at(all_.tensor_at(t).producer);
        for (int i = 0; i < where_.partial.parts(any_); ++i) {
            const int shift = shift_of(where_.partial, i);
            if (!all_.summed(from, shift).empty()) summands_.push_back(shift);
        }
    }
    pieces touching(std::size_t dimension, range need) const {
        const auto& all = cuts_[dimension];
        const auto first = std::partition_point(
            all.begin(), all.end(), [&](const piece& p) { return p.what.hi <= need.lo; });
        const auto last = std::partition_point(first, all.end(),
                                               [&](const piece& p) { return p.what.lo < need.hi; });
        return {all.data() + (first - all.begin()), all.data() + (last - all.begin())};
    }
    /// The places on axes that cut nothing: the reader's own, or the seat of the stage.
    int base_of(int reader) const {
        const seat who = any_.at(reader);
        int base = where_.stage >= 0 ? where_.stage_seat(any_) : 0;
        for (const auto a : {mesh_axis::data, mesh_axis::first, mesh_axis::second}) {
            if (where_.is_copied_along(a)) base += who.place(a) * stride(a);
        }
        return base;
    }

    const geometry& all_;
    seat any_;
    layout where_;
    std::array<std::vector<piece>, 4> cuts_;
    std::vector<int> summands_;
};

}  // namespace mpar::detail
