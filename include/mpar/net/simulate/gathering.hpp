// SPDX-License-Identifier: MIT
// What every rank reads all of: its messages on the links of a cluster in closed form, for there are
// ranks^2 of them. Knows what each rank owns, no plan.
#pragma once

#include <mpar/net/simulate/links.hpp>

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace mpar::detail {

/// Each rank takes all that ranks of its own set own: ranks of a set hold different parts, and sets
/// hold copies.
class gathering {
public:
    /// owned(rank), set(rank): bytes, and which of the sets it is of.
    template <class Owned, class Set>
    gathering(const cluster& c, int ranks, Owned owned, Set set) : of_(c) {
        for (int r = 0; r < ranks; ++r) {
            const long bytes = owned(r);
            owned_.push_back(bytes);
            set_.push_back(set(r));
            for (const int h : {0, 1, 2}) {
                auto& s = sums_[key(h, r)];
                s.bytes += bytes;
                s.pieces += messages_for(bytes);
                ++s.ranks;
            }
        }
    }

    void load(links& on) {
        for (int r = 0; r < ranks(); ++r) {
            for (const int h : {0, 1, 2}) {
                const beyond there = beyond_of(h, r);
                const long mine = owned_[std::size_t(r)];
                const auto hop = cluster::hop(h);
                on.receive(r, hop, there.bytes, there.pieces);
                on.send(r, hop, there.ranks * mine, there.ranks * messages_for(mine));
            }
        }
    }

    /// When all that a rank takes and gives has arrived: as if the latest of the others were also the
    /// one with the fullest link. requires: load(on). posted: when each rank's messages are there.
    std::vector<double> arrivals(const links& on, const std::vector<double>& posted) {
        for (int r = 0; r < ranks(); ++r) {
            for (const int h : {0, 1, 2}) {
                auto& s = sums_[key(h, r)];
                const auto raise = [](double& most, double v) { most = std::max(most, v); };
                raise(s.reader_posts, posted[std::size_t(r)]);
                raise(s.reader_fills, on.receiving(r, cluster::hop(h)));
                if (!owned_[std::size_t(r)]) continue;
                raise(s.owner_posts, posted[std::size_t(r)]);
                raise(s.owner_fills, on.sending(r, cluster::hop(h)));
            }
        }
        std::vector<double> at(posted);
        for (int r = 0; r < ranks(); ++r) {
            double& last = at[std::size_t(r)];
            const double mine = posted[std::size_t(r)];
            for (const int h : {0, 1, 2}) {
                const beyond there = beyond_of(h, r);
                const auto hop = cluster::hop(h);
                const auto& s = sums_[key(h, r)];
                const double alpha = of_.at(hop).alpha;
                if (there.bytes) {
                    last = std::max(last, std::max(mine, s.owner_posts) + alpha +
                                              std::max(s.owner_fills, on.receiving(r, hop)));
                }
                if (there.ranks && owned_[std::size_t(r)]) {
                    last = std::max(last, std::max(mine, s.reader_posts) + alpha +
                                              std::max(s.reader_fills, on.sending(r, hop)));
                }
            }
        }
        return at;
    }

private:
    struct sum {
        long bytes = 0, pieces = 0, ranks = 0;
        double owner_posts = 0, owner_fills = 0, reader_posts = 0, reader_fills = 0;
    };
    struct beyond {
        long bytes = 0, pieces = 0, ranks = 0;
    };
    int ranks() const { return int(owned_.size()); }
    /// A rank's set within its node, its group, the machine.
    long key(int h, int r) const {
        const long where = h == 0 ? of_.node_of(r) : h == 1 ? of_.group_of(r) : 0;
        return (where * ranks() + set_[std::size_t(r)]) * 3 + h;
    }
    /// The others of its set whom a rank meets on that level.
    beyond beyond_of(int h, int r) {
        const sum& here = sums_[key(h, r)];
        const long mine = owned_[std::size_t(r)];
        beyond all{here.bytes - mine, here.pieces - messages_for(mine), here.ranks - 1};
        if (h == 0) return all;
        const sum& inside = sums_[key(h - 1, r)];
        return {here.bytes - inside.bytes, here.pieces - inside.pieces, here.ranks - inside.ranks};
    }

    cluster of_;
    std::vector<long> owned_;
    std::vector<int> set_;
    std::unordered_map<long, sum> sums_;
};

}  // namespace mpar::detail
