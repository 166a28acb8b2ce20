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
            owned_.push_back(owned(r));
            set_.push_back(set(r));
        }
        for (int r = 0; r < ranks; ++r) {
            for (const int h : {0, 1, 2}) {
                auto& s = sums_[key(h, r)];
                s.bytes += owned_[std::size_t(r)];
                s.pieces += messages_for(owned_[std::size_t(r)]);
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

    /// When all that a rank takes and gives has arrived. A message takes, from when both sides have
    /// posted it, as long as the fuller of their links: the sum of two greatest is the greatest of
    /// four sums, in which the two sides stand apart. requires: load(on).
    std::vector<double> arrivals(const links& on, const std::vector<double>& posted) {
        for (int r = 0; r < ranks(); ++r) {
            for (const int h : {0, 1, 2}) {
                auto& s = sums_[key(h, r)];
                const auto hop = cluster::hop(h);
                const double post = posted[std::size_t(r)];
                s.readers.add(post, on.receiving(r, hop), inside(h, r));
                if (owned_[std::size_t(r)]) s.owners.add(post, on.sending(r, hop), inside(h, r));
            }
        }
        std::vector<double> at(posted);
        for (int r = 0; r < ranks(); ++r) {
            double& last = at[std::size_t(r)];
            const double post = posted[std::size_t(r)];
            for (const int h : {0, 1, 2}) {
                const beyond there = beyond_of(h, r);
                const auto hop = cluster::hop(h);
                const auto& s = sums_[key(h, r)];
                const double alpha = of_.at(hop).alpha;
                if (there.bytes) {
                    const double most = s.owners.with(post, on.receiving(r, hop), inside(h, r));
                    last = std::max(last, most + alpha);
                }
                if (there.ranks && owned_[std::size_t(r)]) {
                    const double most = s.readers.with(post, on.sending(r, hop), inside(h, r));
                    last = std::max(last, most + alpha);
                }
            }
        }
        return at;
    }

private:
    /// The greatest of some values, and of those that are not of one's own place.
    struct greatest {
        double first = -1, second = -1;  ///< of different places
        int place = -1;

        void add(double v, int of) {
            if (of == place) {
                first = std::max(first, v);
            } else if (v > first) {
                second = first;
                first = v;
                place = of;
            } else {
                second = std::max(second, v);
            }
        }
        double but(int own) const { return own == place ? second : first; }
    };
    /// One side of many messages.
    struct sides {
        greatest post, fill, both;

        void add(double p, double f, int place) {
            post.add(p, place);
            fill.add(f, place);
            both.add(p + f, place);
        }
        double with(double p, double f, int place) const {
            return std::max({both.but(place), p + f, p + fill.but(place), post.but(place) + f});
        }
    };
    struct sum {
        long bytes = 0, pieces = 0, ranks = 0;
        sides owners, readers;
    };
    struct beyond {
        long bytes = 0, pieces = 0, ranks = 0;
    };
    int ranks() const { return int(owned_.size()); }
    /// Where its messages go by a shorter way: itself, its node, its group.
    int inside(int h, int r) const {
        return h == 0 ? r : h == 1 ? of_.node_of(r) : of_.group_of(r);
    }
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
