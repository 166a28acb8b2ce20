// SPDX-License-Identifier: MIT
// In units of how many rows or columns tensors are cut, so that Winograd's tiles lie whole on one
// rank. Knows extents and no rank.
#pragma once

#include <mpar/net/plan.hpp>
#include <mpar/shard/layout.hpp>

#include <algorithm>
#include <bit>
#include <span>
#include <vector>

namespace mpar {

/// The units of each extent of a plan. A cut through a tile lets both sides read and compute the whole
/// tile; one between tiles leaves some ranks with more rows. Which of the two is less work is counted,
/// for each number of parts; extents before a stride are cut where those behind it are, so that none
/// of their rows travels for that.
class line_grains {
public:
    constexpr line_grains() = default;

    /// On the mesh of `who`. `tiles`: of each step's convolution, as geometry has them; 0: none.
    constexpr line_grains(const plan& p, std::span<const int> tiles, const seat& who) {
        for (std::size_t i = p.steps.size(); i-- > 0;) {
            const step& s = p.steps[i];
            if (s.x < 0 || s.y < 0) continue;
            const shape x = p.tensors[std::size_t(s.x)].extents, y = p.tensors[std::size_t(s.y)].extents;
            const long flops = mpar::flops(s.what, whole(y), x);
            add(x.h, y.h, s.what.window.h.stride, tiles[i], flops);
            add(x.w, y.w, s.what.window.w.stride, tiles[i], flops);
        }
        bool has_tiles = false;
        for (const int tile : tiles) has_tiles = has_tiles || tile > 1;
        if (!has_tiles) return;
        for (const int parts : {who.model(), who.extent(mesh_axis::first),
                                who.extent(mesh_axis::second)}) {
            if (parts > 1) shifts_.push_back({parts, best_shift(parts)});
        }
    }

    /// Of a tensor; channels are cut in blocks.
    constexpr grains of(const layout& where, const shape& s, const seat& who, int block) const {
        return {block, of(s.h, where.h.parts(who)), of(s.w, where.w.parts(who))};
    }

private:
    struct line {
        int extent = 0;
        int grain = 1;
        struct work {
            int tile = 0;
            long flops = 0;
        };
        std::vector<work> of;  ///< by tile

        constexpr void add(int tile, long flops) {
            for (auto& w : of) {
                if (w.tile != tile) continue;
                w.flops += flops;
                return;
            }
            of.push_back({tile, flops});
        }
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
    constexpr line& at(int extent) {
        for (auto& l : lines_) {
            if (l.extent == extent) return l;
        }
        lines_.push_back({extent, 1, {}});
        return lines_.back();
    }

    /// before: 7 outputs, of grain 2, from 14 inputs by stride 2   after: 14 are of grain 4
    constexpr void add(int inputs, int outputs, int stride, int tile, long flops) {
        line& y = at(outputs);
        y.grain = std::max(y.grain, tile);
        y.add(tile, flops);
        const int grain = y.grain;
        if (inputs == outputs * stride || inputs == outputs * stride - 1) {
            line& x = at(inputs);
            x.grain = std::max(x.grain, grain * stride);
        }
    }

    static constexpr int shifted(const line& l, int shift) { return std::max(1, l.grain >> shift); }

    /// What the rank that has most of each extent computes.
    constexpr long work_of(int parts, int shift) const {
        long sum = 0;
        for (const auto& l : lines_) {
            for (const auto& w : l.of) {
                int most = 0;
                for (int i = 0; i < parts; ++i) {
                    range r = cut(l.extent, seat{i, parts}, shifted(l, shift));
                    if (w.tile > 1 && !r.empty()) {
                        r = {r.lo / w.tile * w.tile, std::min(l.extent, round_up(r.hi, w.tile))};
                    }
                    most = std::max(most, r.size());
                }
                sum += w.flops / std::max(1, l.extent) * most;
            }
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

    std::vector<line> lines_;
    std::vector<choice> shifts_;
};

}  // namespace mpar
