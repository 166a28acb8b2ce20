// SPDX-License-Identifier: MIT
// The grain of each extent: how many rows or columns stay together when a tensor is cut, so that a
// tile of Winograd's filtering lies whole on one rank. Knows extents and no rank.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/plan/plan.hpp>
#include <mpar/shard/layout.hpp>

#include <algorithm>
#include <bit>
#include <span>

namespace mpar {

/// The grain of each extent of a plan, which is the unit in which that extent is cut. A cut through
/// a tile lets both sides read and compute the whole tile; one between tiles leaves some ranks with
/// more rows. Which of the two is less work is counted, for each number of parts; extents before a
/// stride are cut where those behind it are, so that none of their rows travels for that.
class line_grains {
public:
    constexpr line_grains() = default;

    /// Works grains out for the mesh of `who`. `tiles` has the tile of each step's convolution; 0:
    /// none.
    [[gnu::cold]] constexpr line_grains(const plan& p, std::span<const int> tiles,
                                        const seat& who) {
        for (std::size_t i = p.steps.size(); i-- > 0;) {
            const step& s = p.steps[i];
            if (s.y < 0) continue;
            const shape x = p.tensors[std::size_t(s.x())].extents,
                        y = p.tensors[std::size_t(s.y)].extents;
            const long flops = mpar::flops(s.what, whole(y), x);
            const sliding window = index_map_of(s.what).window;
            add(x.h, y.h, window.h.stride, tiles[i], flops);
            add(x.w, y.w, window.w.stride, tiles[i], flops);
        }
        bool has_tiles = false;
        for (const int tile : tiles) has_tiles = has_tiles || tile > 1;
        if (!has_tiles) return;
        for (const int parts :
             {who.model(), who.extent(mesh_axis::first), who.extent(mesh_axis::second)}) {
            if (parts > 1) shifts_[count_++] = {parts, best_shift(parts)};
        }
    }

    /// The grains of a tensor, whose channels are cut in blocks.
    constexpr grains of(const layout& where, const shape& s, const seat& who, int block) const {
        return {block, of(s.h, where.h.parts(who)), of(s.w, where.w.parts(who))};
    }

private:
    /// The work of the steps of one extent that have one size of tiles.
    struct line {
        int extent = 0, grain = 1;
        int tile = 0;
        long flops = 0;
    };
    struct choice {
        int parts = 0, shift = 0;
    };

    constexpr int of(int extent, int parts) const {
        for (const auto& by : shifts_) {
            if (by.parts != parts) continue;
            for (const auto& l : lines_) {
                if (l.extent == extent) return shifted(l, by.shift);
            }
        }
        return 1;
    }
    constexpr int grain_of(int extent) const {
        for (const auto& l : lines_) {
            if (l.extent == extent) return l.grain;
        }
        return 1;
    }
    constexpr void refine(int extent, int grain) {
        for (auto& l : lines_) {
            if (l.extent == extent) l.grain = std::max(l.grain, grain);
        }
    }
    constexpr void add_work(int extent, int tile, long flops) {
        for (auto& l : lines_) {
            if (l.extent != extent || l.tile != tile) continue;
            l.flops += flops;
            return;
        }
        lines_.push_back({extent, grain_of(extent), tile, flops});
    }

    /// before: 7 outputs, of grain 2, from 14 inputs by stride 2   after: 14 are of grain 4
    constexpr void add(int inputs, int outputs, int stride, int tile, long flops) {
        add_work(outputs, tile, flops);
        refine(outputs, tile);
        if (inputs == outputs * stride || inputs == outputs * stride - 1) {
            add_work(inputs, 0, 0);
            refine(inputs, grain_of(outputs) * stride);
        }
    }

    static constexpr int shifted(const line& l, int shift) { return std::max(1, l.grain >> shift); }

    /// The work of the rank that has most of each extent.
    constexpr long work_of(int parts, int shift) const {
        long sum = 0;
        for (const auto& l : lines_) {
            int most = 0;
            for (int i = 0; i < parts; ++i) {
                range r = cut(l.extent, seat{i, parts}, shifted(l, shift));
                if (l.tile > 1 && !r.empty()) {
                    r = {r.lo / l.tile * l.tile, std::min(l.extent, round_up(r.hi, l.tile))};
                }
                most = std::max(most, r.size());
            }
            sum += l.flops / std::max(1, l.extent) * most;
        }
        return sum;
    }
    /// By how much all grains are halved: the least for which no other is less work.
    constexpr int best_shift(int parts) const {
        int greatest = 1, most = 0;
        for (const auto& l : lines_) {
            greatest = std::max(greatest, l.grain);
            most = std::max(most, l.extent);
        }
        if (parts > most) return int(std::bit_width(unsigned(greatest)));
        int best = 0;
        long least = -1;
        for (int shift = 0; greatest >> shift > 0; ++shift) {
            const long work = work_of(parts, shift);
            if (least < 0 || work < least) least = work, best = shift;
        }
        return best;
    }

    growing<line> lines_;
    choice shifts_[3] = {};
    int count_ = 0;
};

}  // namespace mpar
