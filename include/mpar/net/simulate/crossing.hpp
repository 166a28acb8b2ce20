// SPDX-License-Identifier: MIT
// The exchanges of a plan as the simulator goes through them, and those of all ranks' parts. Knows
// no machine.
#pragma once

#include <mpar/net/place/partition.hpp>

#include <vector>

namespace mpar {

/// An exchange of all ranks: the same on each of them, messages or not.
struct crossing {
    int tensor = -1, before_step = -1;
    layout key{};  ///< that its readers take it in
    transition name = transition::nothing;
    bool keeps = false;   ///< a sum's: what arrives is added up, not unpacked
    bool to_all = false;  ///< every rank reads all of it
};

/// A message of a crossing.
struct wire {
    int from = 0, to = 0;
    long bytes = 0;
};

/// Of a rank's step: what does not wait for others, and what others do not wait for.
struct middles {
    box early, late;
    bool sends_edges = false;
};

namespace detail {

/// All of it as partition() has worked it out for every rank. Cost: O(ranks^2).
class partitioned {
public:
    partitioned(const plan& p, const setting& s) {
        for (int r = 0; r < s.who.ranks; ++r) {
            setting mine = s;
            mine.who = s.who.at(r);
            parts_.push_back(mpar::partition(p, mine));
        }
        for (const auto& e : parts_.front().exchanges) {
            crossings_.push_back({e.tensor, e.before_step, {}, e.name, e.keeps});
        }
    }

    int ranks() const { return int(parts_.size()); }
    const std::vector<crossing>& crossings() const { return crossings_; }

    bool overlaps(int e, int rank) const {
        return parts_[std::size_t(rank)].exchanges[std::size_t(e)].overlapped;
    }
    template <class F>
    void each_message(int e, F f) const {
        for (const auto& p : parts_) {
            const auto& all = p.exchanges[std::size_t(e)];
            const dtype element = p.tensors[std::size_t(all.tensor)].element;
            for (const auto& m : all.receives) {
                f(wire{m.peer, p.of.who.rank, message_bytes(m.what, p.of, element)});
            }
        }
    }
    middles of_step(int i, int rank) const {
        const auto& s = parts_[std::size_t(rank)].steps[std::size_t(i)];
        return {s.early, s.late, s.sends_edges};
    }
    /// Each message is known: nobody asks further.
    bool is_closed(int) const { return false; }
    long owned_bytes(int, int) const { return 0; }
    int place_of_copy(int, int) const { return 0; }

private:
    std::vector<part> parts_;
    std::vector<crossing> crossings_;
};

}  // namespace detail

}  // namespace mpar
