// SPDX-License-Identifier: MIT
// Which box of each tensor a rank owns, and which it reads in each step. Computed, never negotiated:
// each rank knows what the others will send. Knows no memory and no message.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/place/grains.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/plan/layouts.hpp>
#include <mpar/net/plan/plan.hpp>

#include <algorithm>
#include <bit>

namespace mpar {

/// How many leaves a reproducible sum has. A leaf is one of the parts of a sum over channels; there
/// are as many on any number of ranks, and they are added up in one tree, so that the bits are the
/// same.
inline constexpr int reproducible_leaves = 8;

/// Answers, for a plan on the ranks of a mesh, which box each rank owns and which it reads.
class geometry {
public:
    constexpr geometry(const plan& p, const setting& s) : plan_(p), of_(s) {
        for (const auto& step : plan_.steps) tiles_.push_back(tile_of(step));
        if (s.grains == nullptr) {
            lines_ = {plan_, tiles_, of_.who};
        } else {
            lines_ = *s.grains;
        }
    }

    constexpr const plan& steps() const { return plan_; }
    constexpr const step& step_at(int i) const { return plan_.steps[std::size_t(i)]; }
    constexpr const tensor& tensor_at(int t) const { return plan_.tensors[std::size_t(t)]; }
    constexpr int index_of(const step& s) const { return int(&s - plan_.steps.data()); }
    constexpr int tile(int i) const { return tiles_[std::size_t(i)]; }
    /// The grains of tensor t: it is cut in multiples of so many channels, rows and columns.
    constexpr grains grains_of(int t) const {
        return lines_.of(tensor_at(t).where, tensor_at(t).extents, of_.who, of_.block);
    }
    constexpr const line_grains& lines() const { return lines_; }

    constexpr shape extents(int t) const {
        shape s = tensor_at(t).extents;
        s.n = of_.batch;
        return s;
    }

    /// The box that a rank owns of tensor t. Where t is a sum in parts, it is the box of its
    /// summands.
    constexpr box owner(int t, int rank) const {
        const box b = cut_of(t, rank);
        if (tensor_at(t).where.partial.empty()) return b;
        return summed(step_at(tensor_at(t).producer), rank).empty() ? box{} : b;
    }
    /// The box that a rank owns of tensor t, whether or not it has any summands of it.
    constexpr box cut_of(int t, int rank) const {
        return owned(tensor_at(t).where, extents(t), of_.who.at(rank), grains_of(t));
    }

    /// Of what a tensor is made: summands are kept as their sum is.
    constexpr dtype element_of(int t) const {
        return tensor_at(t).where.partial.empty() ? of_.element : accumulator(of_.element);
    }

    /// Which leaves of a cut sum a rank adds up, and how many leaves there are.
    struct share {
        range leaves;
        int of = 1;
    };
    constexpr share share_of(const step& s, int rank) const {
        return share_of(tensor_at(s.y).where.partial, rank);
    }
    constexpr share share_of(const axes& along, int rank) const {
        const seat who = of_.who.at(rank);
        const int parts = along.parts(who), part = along.part(who);
        if (!of_.reproducible) return {{part, part + 1}, parts};
        const int taking = int(std::bit_floor(unsigned(std::min(parts, reproducible_leaves))));
        const int each = reproducible_leaves / taking;
        if (part >= taking) return {{}, reproducible_leaves};
        return {{part * each, (part + 1) * each}, reproducible_leaves};
    }
    /// The input channels of one leaf.
    constexpr range leaf(const step& s, int index, int of) const {
        return leaf(extents(s.x()).c, index, of);
    }
    constexpr range leaf(int channels, int index, int of) const {
        return cut(channels, seat{index, of}, of_.block);
    }
    /// The input channels that a rank sums in a step whose sum is cut.
    constexpr range summed(const step& s, int rank) const {
        return summed(tensor_at(s.y).where.partial, extents(s.x()).c, rank);
    }
    /// The same of so many channels whose sum is cut along some axes.
    constexpr range summed(const axes& along, int channels, int rank) const {
        const share mine = share_of(along, rank);
        range all;
        for (int l = mine.leaves.lo; l < mine.leaves.hi; ++l) {
            all = hull(all, leaf(channels, l, mine.of));
        }
        return all;
    }

    /// What a rank owns of a parameter: rows are cut as channels of tensors are, columns as sums.
    constexpr box owner_of_parameter(int i, int rank) const {
        const parameter& p = plan_.parameters[std::size_t(i)];
        const shape s = p.as_shape();
        box b = owned(p.where, s, of_.who.at(rank), {.n = of_.block});
        if (!p.where.c.empty()) b.c = summed(p.where.c, s.c, rank);
        return b.empty() ? box{} : b;
    }

    /// The box that a rank computes in a step; for the net's result, all of it. Where several ranks
    /// of one memory have copies, the first of them computes it.
    constexpr box computed(const step& s, int rank) const {
        if (s.y < 0) return whole(extents(s.x()));
        const box y = owner(s.y, rank);
        const layout& where = tensor_at(s.y).where;
        if (of_.first_seats.empty() || !where.partial.empty() || where.is_whole()) return y;
        for (int q = of_.mates(rank).lo; q < rank; ++q) {
            if (owner(s.y, q) == y) return {};
        }
        return y;
    }
    /// The box that a rank reads of tensor t in a step, padding included.
    constexpr box read(const step& s, int t, int rank) const {
        const box y = computed(s, rank);
        box b;
        for (int i = 0; i < s.inputs.size(); ++i) {
            if (s.inputs[i] == t) b = hull(b, i == 0 ? read_x(s, y, rank) : read_input(s, i, y));
        }
        return b;
    }
    /// The box that a step reads of an input other than the first, for a part y of its output.
    constexpr box read_input(const step& s, int i, const box& y) const {
        return box_read(s.reads_input(i), y, extents(s.inputs[i]), of_.block);
    }
    /// The box that a step reads of its first input, for a part y of its output.
    constexpr box read_x(const step& s, const box& y, int rank) const {
        box b = reads(s.what, y, extents(s.x()), of_.block, tile(index_of(s)));
        if (s.y >= 0 && !y.empty() && !tensor_at(s.y).where.partial.empty()) {
            b.c = summed(s, rank);
        }
        return b;
    }
    /// The layout in which a step takes tensor t.
    constexpr layout taken(const step& s, int t) const {
        if (s.y < 0) return layout::everywhere;
        return input_layout(s.reads_input(s.inputs.index_of(t)), tensor_at(s.y).where);
    }
    /// The layout in which step i gets tensor t: readers that take it in one layout share an exchange,
    /// and one that takes it whole serves all.
    constexpr layout key_of(int i, int t) const {
        layout key = taken(step_at(i), t);
        for (int j = tensor_at(t).producer + 1; j <= tensor_at(t).last_reader; ++j) {
            if (!step_at(j).reads(t)) continue;
            if (const layout l = taken(step_at(j), t); l.is_whole()) key = l;
        }
        return key;
    }
    /// The box that a rank needs of tensor t for all readers in that layout, without padding.
    constexpr box needed(int t, const layout& key, int rank) const {
        box all;
        for (int i = tensor_at(t).producer + 1; i <= tensor_at(t).last_reader; ++i) {
            if (!step_at(i).reads(t)) continue;
            if (!key.is_whole() && taken(step_at(i), t) != key) continue;
            all = hull(all, read(step_at(i), t, rank));
        }
        return intersection(all, whole(extents(t)));
    }

    /// Whether rank q is the one from whom another takes a box of tensor t. Where several ranks
    /// have copies, it is the one that sits at the other's own places on the axes of the copies.
    constexpr bool is_source(int t, int q, int other) const {
        const layout& where = tensor_at(t).where;
        const seat a = of_.who.at(q), b = of_.who.at(other);
        for (const auto axis : {mesh_axis::data, mesh_axis::first, mesh_axis::second}) {
            if (where.is_copied_along(axis) && a.place(axis) != b.place(axis)) return false;
        }
        return true;
    }

    constexpr long flops_of(const step& s, int rank) const {
        const box y = computed(s, rank);
        const long all = flops(s.what, y, extents(s.x()));
        if (s.y < 0 || tensor_at(s.y).where.partial.empty()) return all;
        return all / filters_of(s.what).in * summed(s, rank).size();
    }

private:
    /// Side of the step's Winograd tiles, the same on all ranks whatever part of y they compute.
    constexpr int tile_of(const step& s) const {
        if (!traits_of(s.what).takes_image_blocks) return 0;
        shape y = extents(s.y);
        y.n = std::max(y.n, of_.whole_batch);
        return of_.winograd_tile(problem_of(s.what, {0, filters_of(s.what).in}, whole(y)), y);
    }

    plan plan_;
    setting of_;
    growing<int> tiles_;
    line_grains lines_;
};

}  // namespace mpar
