// SPDX-License-Identifier: MIT
// One forward of a plan on the ranks of a machine that is only described: each rank's clock through
// steps and exchanges. Knows no kernel and no MPI.
#pragma once

#include <mpar/net/choose/cost.hpp>
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

/// Goes through the engine's steps with all ranks at once. Schedule: partitioned or searched.
template <class Schedule>
class clocks {
public:
    clocks(const plan& p, const setting& s, const cluster& c, Schedule& schedule)
        : plan_(p),
          machine_(c),
          all_(p, s),
          work_(p, s, c.rank),
          schedule_(schedule),
          now_(std::size_t(s.who.ranks)) {
        result_.computes.resize(now_.size());
        result_.sums.resize(now_.size());
    }

    simulation run() {
        for (int r = 0; r < ranks(); ++r) work(r, work_.input_seconds());
        for (int i = 0; i < int(plan_.steps.size()); ++i) {
            awaited_ = -1;
            while (next_ < crossings().size() && crossings()[next_].before_step == i) {
                exchange(int(next_++));
            }
            find_sent(i);
            for (int r = 0; r < ranks(); ++r) compute(i, r);
            if (awaited_ >= 0) flights_.erase(awaited_);
        }
        result_.ends = now_;
        return std::move(result_);
    }

private:
    /// An exchange from its first post to its last arrival.
    struct flight {
        flight(const cluster& c, int ranks) : on(c, ranks), posted(std::size_t(ranks)) {}
        links on;
        std::vector<double> posted, arrived;
        std::optional<gathering> all;
    };

    int ranks() const { return schedule_.ranks(); }
    const std::vector<crossing>& crossings() const { return schedule_.crossings(); }
    double& now(int rank) { return now_[std::size_t(rank)]; }

    /// Loads the links when the first rank posts.
    flight& flight_of(int e) {
        const auto [at, is_new] = flights_.try_emplace(e, machine_, ranks());
        flight& f = at->second;
        if (!is_new) return f;
        if (schedule_.is_closed(e)) {
            f.all.emplace(
                machine_, ranks(), [&](int r) { return schedule_.owned_bytes(e, r); },
                [&](int r) { return schedule_.place_of_copy(e, r); });
            f.all->load(f.on);
        } else {
            schedule_.each_message(e, [&](const wire& w) { f.on.add(w.from, w.to, w.bytes); });
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
    void take(int e, int rank) {
        const flight& f = flight_of(e);
        now(rank) = std::max(now(rank), f.arrived[std::size_t(rank)]) +
                    f.on.taking(rank, !crossings()[std::size_t(e)].keeps);
    }

    /// Done here by the ranks that do not overlap it with work; the others await it in their step.
    void exchange(int e) {
        for (int r = 0; r < ranks(); ++r) {
            if (!schedule_.overlaps(e, r)) post(e, r);
        }
        flight& f = flight_of(e);
        if (f.all) {
            f.arrived = f.all->arrivals(f.on, f.posted);
        } else {
            f.arrived.assign(now_.size(), 0);
            schedule_.each_message(e, [&](const wire& w) {
                const double both =
                    std::max(f.posted[std::size_t(w.from)], f.posted[std::size_t(w.to)]);
                const double at = both + f.on.seconds(w.from, w.to);
                for (const int r : {w.from, w.to}) {
                    f.arrived[std::size_t(r)] = std::max(f.arrived[std::size_t(r)], at);
                }
            });
        }
        bool any_waits = false;
        for (int r = 0; r < ranks(); ++r) {
            if (schedule_.overlaps(e, r)) {
                any_waits = true;
            } else {
                take(e, r);
            }
        }
        if (any_waits) {
            awaited_ = e;
        } else {
            flights_.erase(e);
        }
    }
    void work(int rank, double seconds) {
        now(rank) += seconds;
        result_.computes[std::size_t(rank)] += seconds;
    }

    /// As executor::run_step orders middle and edges.
    void compute(int i, int rank) {
        const int sent = overlapped_of(rank);
        const int awaited = awaited_ >= 0 && schedule_.overlaps(awaited_, rank) ? awaited_ : -1;
        const double all = seconds_of(i, rank);
        const middles w = schedule_.of_step(i, rank);
        const auto part = [&](const box& middle) {
            const double share = double(middle.h.size()) * middle.w.size();
            return last_.empty() ? 0 : all * share / (double(last_.h.size()) * last_.w.size());
        };
        if (awaited >= 0) {
            const double middle = part(w.early);
            const double meanwhile = flight_of(awaited).arrived[std::size_t(rank)] - now(rank);
            const double before = std::clamp(meanwhile, 0.0, middle);
            work(rank, before);
            take(awaited, rank);
            work(rank, all - middle);
            if (sent >= 0 && w.sends_edges) post(sent, rank);
            work(rank, middle - before);
            if (sent >= 0 && !w.sends_edges) post(sent, rank);
        } else if (sent >= 0 && !w.late.empty()) {
            work(rank, all - part(w.late));
            post(sent, rank);
            work(rank, part(w.late));
        } else {
            work(rank, all);
            if (sent >= 0) post(sent, rank);
        }
    }
    /// Ranks that compute the same box follow one another.
    double seconds_of(int i, int rank) {
        const step& s = plan_.steps[std::size_t(i)];
        const box y = s.y < 0 ? box{} : all_.computed(s, rank);
        const bool sums = s.y >= 0 && !plan_.tensors[std::size_t(s.y)].where.partial.empty();
        if (i == last_step_ && y == last_ && !sums) return last_seconds_;
        last_ = y;
        last_step_ = i;
        return last_seconds_ = mpar::seconds_of(work_.work_of(i, rank), machine_.rank);
    }
    int overlapped_of(int rank) const {
        for (const int e : sent_) {
            if (schedule_.overlaps(e, rank)) return e;
        }
        return -1;
    }
    /// Exchanges that a step's rows may start.
    void find_sent(int i) {
        sent_.clear();
        const int y = plan_.steps[std::size_t(i)].y;
        for (std::size_t e = next_; y >= 0 && e < crossings().size(); ++e) {
            if (crossings()[e].tensor == y && crossings()[e].name == transition::halo) {
                sent_.push_back(int(e));
            }
        }
    }

    plan plan_;
    cluster machine_;
    geometry all_;
    costs work_;
    Schedule& schedule_;
    std::vector<double> now_;
    std::map<int, flight> flights_;
    simulation result_;
    std::size_t next_ = 0;
    int awaited_ = -1;
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

template <class Schedule>
simulation run_on(const plan& p, const setting& s, const cluster& c, Schedule schedule) {
    return clocks<Schedule>(p, s, c, schedule).run();
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
