// SPDX-License-Identifier: MIT
// The exchanges of a plan on very many ranks: partition()'s messages, found by search. Knows no
// machine.
#pragma once

#include <mpar/net/place/overlap.hpp>
#include <mpar/net/simulate/crossing.hpp>
#include <mpar/net/simulate/owners.hpp>

#include <map>
#include <vector>

namespace mpar::detail {

/// Messages stay between the ranks of one model axis, but for what every rank reads all of. So those
/// of one place of the data axis are worked out and serve all that have as many images.
/// Cost: O(messages), of a crossing to all O(ranks) on more than `counted` ranks.
class searched {
public:
    /// requires: of the first rank; the extents of its mesh are given.
    searched(const plan& p, const setting& s, int counted)
        : plan_(p), of_(s), all_(p, s), counted_(counted) {
        find_crossings();
        find_overlaps();
    }

    int ranks() const { return of_.who.ranks; }
    const std::vector<crossing>& crossings() const { return crossings_; }

    bool overlaps(int e, int rank) const {
        const auto& seat = split_of(rank).overlapped;
        return !seat.empty() && seat[std::size_t(e)];
    }
    /// Whether there are too many messages to count.
    bool is_closed(int e) const { return crossings_[std::size_t(e)].to_all && ranks() > counted_; }
    /// requires: not closed.
    template <class F>
    void each_message(int e, F f) {
        const auto& c = crossings_[std::size_t(e)];
        const owners from(all_, of_.who, c.tensor);
        if (c.to_all) {
            const box need = whole(all_.extents(c.tensor));
            for (int r = 0; r < ranks(); ++r) {
                from.each(need, r, [&](int source, const box& b) {
                    f(wire{source, r, bytes_of(c, b)});
                });
            }
            return;
        }
        for (int d = 0; d < of_.who.data; ++d) {
            const int first = d * of_.who.model();
            for (const auto& w : wires_of(e, d, from)) {
                f(wire{w.from + first, w.to + first, w.bytes});
            }
        }
    }
    middles of_step(int i, int rank) const {
        const auto& at = split_of(rank).by_step;
        return at.empty() ? middles{} : at[std::size_t(i)];
    }
    long owned_bytes(int e, int rank) const {
        const box b = all_.owner(crossings_[std::size_t(e)].tensor, rank);
        return b.empty() ? 0 : bytes_of(crossings_[std::size_t(e)], b);
    }
    /// Equal for ranks that give each other their parts.
    int place_of_copy(int e, int rank) const {
        const seat who = of_.who.at(rank);
        const layout& where = all_.tensor_at(crossings_[std::size_t(e)].tensor).where;
        int place = 0;
        for (const auto a : {mesh_axis::data, mesh_axis::first, mesh_axis::second}) {
            if (where.is_copied_along(a)) place = place * who.extent(a) + who.place(a);
        }
        return place;
    }

private:
    struct split {
        std::vector<bool> overlapped;  ///< by crossing; empty: none
        std::vector<middles> by_step;
    };
    const split& split_of(int rank) const { return splits_[std::size_t(rank % of_.who.model())]; }

    /// As partition() goes through the steps.
    void find_crossings() {
        for (int i = 0; i < int(plan_.steps.size()); ++i) {
            const auto& s = all_.step_at(i);
            for (int k = 0; k < s.inputs.size(); ++k) {
                if (s.inputs.is_first(k)) find_crossing(i, s.inputs[k]);
            }
        }
    }
    void find_crossing(int i, int t) {
        const layout& where = all_.tensor_at(t).where;
        crossing c{t, i};
        if (!where.partial.empty()) {
            c.keeps = true;
            c.name = between(where, all_.tensor_at(all_.step_at(i).y).where, false);
            crossings_.push_back(c);
            return;
        }
        if (ranks() == 1) return;
        c.key = all_.key_of(i, t);
        for (const auto& done : crossings_) {
            if (done.tensor == t && done.key == c.key && !done.keeps) return;
        }
        c.name = between(where, c.key, true);
        c.to_all = c.key.is_whole() && is_result(t);
        crossings_.push_back(c);
        if (!moves()) crossings_.pop_back();
        cached_ = -1;  // the next may have its number
    }
    bool is_result(int t) const {
        for (const auto& s : plan_.steps) {
            if (s.y < 0 && s.x() == t) return true;
        }
        return false;
    }
    /// Whether the last crossing has any message.
    bool moves() {
        const auto& c = crossings_.back();
        const layout& where = all_.tensor_at(c.tensor).where;
        if (c.to_all) {
            return where.stage >= 0 ||
                   where.n.then(where.c).then(where.h).then(where.w).parts(of_.who) > 1;
        }
        if (where.is_whole()) return false;
        if (where == c.key && where.c.empty() && where.h.empty() && where.w.empty()) return false;
        const owners from(all_, of_.who, c.tensor);
        const int places = has_uneven_images(c) ? of_.who.data : 1;
        for (int d = 0; d < places; ++d) {
            if (!wires_of(int(crossings_.size()) - 1, d, from).empty()) return true;
        }
        return false;
    }

    /// Images are cut within a place of the data axis: not the same way in each.
    bool has_uneven_images(const crossing& c) const {
        return all_.tensor_at(c.tensor).where.n.count > 1 || c.key.n.count > 1 || takes_images(c);
    }
    bool takes_images(const crossing& c) const {
        for (int i = 0; i < int(plan_.steps.size()); ++i) {
            if (!all_.step_at(i).reads(c.tensor)) continue;
            if (all_.taken(all_.step_at(i), c.tensor).n.count > 1) return true;
        }
        return false;
    }

    long bytes_of(const crossing& c, const box& b) const {
        return message_bytes(b, of_, all_.element_of(c.tensor));
    }

    /// The messages at a place of the data axis, by ranks of the model axis.
    const std::vector<wire>& wires_of(int e, int d, const owners& from) {
        const auto& c = crossings_[std::size_t(e)];
        if (cached_ != e) cache_.clear();
        cached_ = e;
        const int key = has_uneven_images(c) ? d : cut(of_.batch, seat{d, of_.who.data}).size();
        if (has_uneven_images(c)) cache_.clear();
        const auto [at, is_new] = cache_.try_emplace(key);
        std::vector<wire>& wires = at->second;  // clang 14 takes no binding into a lambda
        if (is_new) {
            each_box(c, d, from, [&](int source, int reader, const box& b) {
                wires.push_back({source, reader, bytes_of(c, b)});
            });
        }
        return wires;
    }
    template <class F>
    void each_box(const crossing& c, int d, const owners& from, F f) const {
        const int first = d * of_.who.model();
        for (int m = 0; m < of_.who.model(); ++m) {
            const int reader = first + m;
            const box need = c.keeps ? all_.read(all_.step_at(c.before_step), c.tensor, reader)
                                     : all_.needed(c.tensor, c.key, reader);
            if (need.empty()) continue;
            if (!c.keeps && all_.owner(c.tensor, reader).contains(need)) continue;
            from.each(need, reader, [&](int source, const box& b) { f(source - first, m, b); });
        }
    }

    /// Rows by which messages travel under work, by the ranks of the first place of the data axis.
    void find_overlaps() {
        splits_.resize(std::size_t(of_.who.model()));
        std::vector<std::vector<std::pair<int, message>>> sends(splits_.size());
        for (std::size_t e = 0; e < crossings_.size(); ++e) {
            const auto& c = crossings_[e];
            if (c.name != transition::halo) continue;
            const owners from(all_, of_.who, c.tensor);
            each_box(c, 0, from, [&](int source, int reader, const box& b) {
                sends[std::size_t(source)].push_back({int(e), {reader, b}});
            });
        }
        for (int m = 0; m < of_.who.model(); ++m) {
            const auto holds = [&](const crossing& c) {
                return c.name == transition::halo && !all_.owner(c.tensor, m).empty();
            };
            if (std::ranges::none_of(crossings_, holds)) continue;
            find_overlaps(m, sends[std::size_t(m)]);
        }
    }
    void find_overlaps(int m, const std::vector<std::pair<int, message>>& sends) {
        part mine;
        mine.of = of_;
        mine.of.who = of_.who.at(m);
        for (int t = 0; t < int(plan_.tensors.size()); ++t) {
            mine.tensors.emplace_back().owned = all_.owner(t, m);
        }
        for (int i = 0; i < int(plan_.steps.size()); ++i) {
            auto& s = mine.steps.emplace_back();
            s.y = all_.computed(all_.step_at(i), m);
            s.tile = all_.tile(i);
        }
        for (const auto& c : crossings_) {
            auto& e = mine.exchanges.emplace_back();
            e.tensor = c.tensor;
            e.before_step = c.before_step;
            e.name = c.name;
        }
        for (const auto& [e, message] : sends) {
            mine.exchanges[std::size_t(e)].sends.push_back(message);
        }
        mpar::detail::find_overlaps(all_, mine);
        auto& found = splits_[std::size_t(m)];
        for (const auto& e : mine.exchanges) found.overlapped.push_back(e.overlapped);
        if (std::ranges::find(found.overlapped, true) == found.overlapped.end()) {
            found.overlapped.clear();
            return;
        }
        for (const auto& s : mine.steps) found.by_step.push_back({s.early, s.late, s.sends_edges});
    }

    plan plan_;
    setting of_;
    geometry all_;
    int counted_;
    std::vector<crossing> crossings_;
    std::vector<split> splits_;
    std::map<int, std::vector<wire>> cache_;
    int cached_ = -1;
};

}  // namespace mpar::detail
