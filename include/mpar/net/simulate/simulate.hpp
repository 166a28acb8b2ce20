// SPDX-License-Identifier: MIT
// One forward of a plan on the ranks of a machine that is only described: each rank's clock through
// its actions. Knows no kernel and no MPI.
#pragma once

#include <mpar/net/choose/cost.hpp>
#include <mpar/net/place/schedule.hpp>
#include <mpar/net/simulate/crossing.hpp>
#include <mpar/net/simulate/gathering.hpp>
#include <mpar/net/simulate/links.hpp>
#include <mpar/net/simulate/searched.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace mpar {

/// What a simulated forward has come to.
struct simulation {
    std::vector<double> ends;      ///< seconds after which each rank is done
    std::vector<double> computes;  ///< seconds of its own work in that
    std::vector<traffic> sums;     ///< what it has received and sent

    double seconds() const { return *std::ranges::max_element(ends); }
    double compute_seconds() const { return *std::ranges::max_element(computes); }
    /// The most that a rank receives, of either.
    traffic most() const {
        traffic m;
        for (const auto& s : sums) {
            m.bytes_received = std::max(m.bytes_received, s.bytes_received);
            m.messages_received = std::max(m.messages_received, s.messages_received);
            m.bytes_sent = std::max(m.bytes_sent, s.bytes_sent);
            m.messages_sent = std::max(m.messages_sent, s.messages_sent);
        }
        return m;
    }
    traffic total() const {
        traffic all;
        for (const auto& s : sums) all += s;
        return all;
    }
};

namespace detail {

/// Goes through the schedules of all ranks at once, step by step. Exchanges: partitioned or searched.
template <class Exchanges>
class clocks {
public:
    clocks(const plan& p, const setting& s, const cluster& c, Exchanges& exchanges)
        : plan_(p),
          machine_(c),
          all_(p, s),
          work_(p, s, c.rank),
          exchanges_(exchanges),
          now_(std::size_t(s.who.ranks)),
          lists_(now_.size()) {
        result_.computes.resize(now_.size());
        result_.sums.resize(now_.size());
    }

    simulation run() {
        for (int r = 0; r < ranks(); ++r) work(r, work_.all_inputs_seconds());
        range before;
        for (int i = 0; i < int(plan_.steps.size()); ++i) {
            before.lo = before.hi;
            while (before.hi < int(crossings().size()) &&
                   crossings()[std::size_t(before.hi)].before_step == i) {
                ++before.hi;
            }
            find_sent(i, before.hi);
            for (int r = 0; r < ranks(); ++r) list_of(r).begin(order_of(i, before, r));
            for (int e = before.lo; e < before.hi; ++e) {
                for (int r = 0; r < ranks(); ++r) advance(r);
                arrive(e);
            }
            for (int r = 0; r < ranks(); ++r) advance(r);
            for (int e = before.lo; e < before.hi; ++e) flights_.erase(e);
        }
        result_.ends = now_;
        return std::move(result_);
    }

private:
    /// An exchange from its first post to its last arrival.
    struct flight {
        flight(const cluster& c, int ranks) : on(c, ranks), posted(std::size_t(ranks)) {}
        links on;
        std::vector<double> posted, arrived;  ///< by rank; no arrivals: not all have posted
        std::optional<gathering> all;
    };
    /// What a rank does in a step, and how far it is.
    struct list {
        growing<action> all;
        std::size_t next = 0;
        box y;               ///< what it computes
        double seconds = 0;  ///< of all of that
        double filled = 0;   ///< of what was computed while messages travelled

        void begin(const step_order& order) {
            all.clear();
            append_step(all, order);
            next = 0;
            y = order.y;
        }
    };

    int ranks() const { return exchanges_.ranks(); }
    const std::vector<crossing>& crossings() const { return exchanges_.crossings(); }
    double& now(int rank) { return now_[std::size_t(rank)]; }
    list& list_of(int rank) { return lists_[std::size_t(rank)]; }

    step_order order_of(int i, range before, int rank) {
        step_order o{.step = i, .exchanges = before};
        const step& s = plan_.steps[std::size_t(i)];
        for (int e = before.lo; e < before.hi; ++e) {
            if (exchanges_.overlaps(e, rank)) o.awaited = e;
            if (crossings()[std::size_t(e)].keeps) o.kept = e;
        }
        o.y = all_.computed(s, rank);
        list_of(rank).seconds = seconds_of(i, rank, s.y < 0 ? box{} : o.y);
        if (s.y < 0) {
            o.given = i - int(plan_.steps.size()) + plan_.outputs();
            return o;
        }
        for (const int e : sent_) {
            if (o.sent < 0 && exchanges_.overlaps(e, rank)) o.sent = e;
        }
        if (o.awaited < 0 && o.sent < 0) return o;
        const middles m = exchanges_.of_step(i, rank);
        o.early = m.early;
        o.late = m.late;
        o.sends_edges = m.sends_edges;
        return o;
    }

    /// Through a rank's actions as far as messages have come.
    void advance(int rank) {
        for (list& mine = list_of(rank); mine.next < mine.all.size(); ++mine.next) {
            const action& a = mine.all[mine.next];
            switch (a.does) {
                case action::kind::start: post(a.index, rank); break;
                case action::kind::finish:
                    if (!has_come(a.index)) return;
                    take(a.index, rank);
                    break;
                case action::kind::fill:
                    if (!has_come(a.index)) return;
                    mine.filled = std::clamp(arrival(a.index, rank) - now(rank), 0.0,
                                             seconds_of(mine, a.what));
                    work(rank, mine.filled);
                    break;
                case action::kind::fill_rest:
                    work(rank, seconds_of(mine, a.what) - mine.filled);
                    break;
                case action::kind::reduce:
                    if (!has_come(a.index)) return;
                    take(a.index, rank);
                    work(rank, mine.seconds);
                    break;
                case action::kind::compute: work(rank, seconds_of(mine, a.what)); break;
                case action::kind::give: work(rank, mine.seconds); break;
                case action::kind::bring:
                case action::kind::begin:
                case action::kind::clear:
                case action::kind::meet: break;
            }
        }
    }
    /// Of a part of what a rank computes.
    static double seconds_of(const list& mine, const box& part) {
        if (part == mine.y) return mine.seconds;
        const double all = double(mine.y.h.size()) * mine.y.w.size();
        return mine.seconds * (double(part.h.size()) * part.w.size()) / all;
    }

    /// Loads the links when the first rank posts.
    flight& flight_of(int e) {
        const auto [at, is_new] = flights_.try_emplace(e, machine_, ranks());
        flight& f = at->second;
        if (!is_new) return f;
        if (exchanges_.is_closed(e)) {
            f.all.emplace(
                machine_, ranks(), [&](int r) { return exchanges_.owned_bytes(e, r); },
                [&](int r) { return exchanges_.place_of_copy(e, r); });
            f.all->load(f.on);
        } else {
            exchanges_.each_message(e, [&](const wire& w) { f.on.add(w.from, w.to, w.bytes); });
        }
        for (int r = 0; r < ranks(); ++r) result_.sums[std::size_t(r)] += f.on.at(r).sum;
        return f;
    }
    /// The kernel has written what is sent.
    void post(int e, int rank) {
        flight& f = flight_of(e);
        now(rank) += f.on.posting(rank);
        f.posted[std::size_t(rank)] = now(rank);
    }
    /// All ranks have posted.
    void arrive(int e) {
        flight& f = flight_of(e);
        if (f.all) {
            f.arrived = f.all->arrivals(f.on, f.posted);
            return;
        }
        f.arrived.assign(now_.size(), 0);
        exchanges_.each_message(e, [&](const wire& w) {
            const double both =
                std::max(f.posted[std::size_t(w.from)], f.posted[std::size_t(w.to)]);
            const double at = both + f.on.seconds(w.from, w.to);
            for (const int r : {w.from, w.to}) {
                f.arrived[std::size_t(r)] = std::max(f.arrived[std::size_t(r)], at);
            }
        });
    }
    bool has_come(int e) { return !flight_of(e).arrived.empty(); }
    double arrival(int e, int rank) { return flight_of(e).arrived[std::size_t(rank)]; }
    void take(int e, int rank) {
        now(rank) = std::max(now(rank), arrival(e, rank)) +
                    flight_of(e).on.taking(rank, !crossings()[std::size_t(e)].keeps);
    }
    void work(int rank, double seconds) {
        now(rank) += seconds;
        result_.computes[std::size_t(rank)] += seconds;
    }

    /// Ranks that compute the same box follow one another.
    double seconds_of(int i, int rank, const box& y) {
        const step& s = plan_.steps[std::size_t(i)];
        const bool sums = s.y >= 0 && !plan_.tensors[std::size_t(s.y)].where.partial.empty();
        if (i == last_step_ && y == last_ && !sums) return last_seconds_;
        last_ = y;
        last_step_ = i;
        return last_seconds_ = mpar::seconds_of(work_.work_of(i, rank), machine_.rank);
    }
    /// Exchanges that may leave while step i works, among those from `first` on.
    void find_sent(int i, int first) {
        sent_.clear();
        const int y = plan_.steps[std::size_t(i)].y;
        for (int e = first; y >= 0 && e < int(crossings().size()); ++e) {
            const crossing& c = crossings()[std::size_t(e)];
            if (c.tensor == y && c.name == transition::halo) sent_.push_back(e);
        }
    }

    plan plan_;
    cluster machine_;
    geometry all_;
    costs work_;
    Exchanges& exchanges_;
    std::vector<double> now_;
    std::vector<list> lists_;  ///< by rank
    std::map<int, flight> flights_;
    simulation result_;
    std::vector<int> sent_;
    box last_;  ///< what was asked for last, of which step, and its time
    int last_step_ = -1;
    double last_seconds_ = 0;
};

/// The mesh's extents are asked for at each box: worked out once.
inline setting of_first_rank(setting s) {
    s.who.rank = 0;
    s.who.second = s.who.extent(mesh_axis::second);
    return s;
}

template <class Exchanges>
simulation run_on(const plan& p, const setting& s, const cluster& c, Exchanges exchanges) {
    return clocks<Exchanges>(p, s, c, exchanges).run();
}

}  // namespace detail

/// Every rank's part from partition(), every message one by one. Cost: O(ranks^2).
/// requires: a plan without mismatch; each seat has a memory of its own.
inline simulation simulate_each(const plan& p, const setting& of, const cluster& c) {
    const setting s = detail::of_first_rank(of);
    return detail::run_on(p, s, c, detail::partitioned(p, s));
}

/// The same on very many ranks: equal messages and times, found in O(messages). What every rank reads
/// all of has ranks^2 messages; on more than `counted` ranks it is in closed form.
inline simulation simulate(const plan& p, const setting& of, const cluster& c, int counted = 1024) {
    const setting s = detail::of_first_rank(of);
    return detail::run_on(p, s, c, detail::searched(p, s, counted));
}

}  // namespace mpar
