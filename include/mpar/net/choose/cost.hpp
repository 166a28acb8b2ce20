// SPDX-License-Identifier: MIT
// What a plan costs on a machine: seconds, bytes, messages and memory of the slowest rank, in closed
// form for any number of ranks. Knows no kernel and no clock.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/place/geometry.hpp>
#include <mpar/shard/cost.hpp>

#include <algorithm>
#include <optional>

namespace mpar {

/// A machine that was named, or a usual one with the backend's vectors.
template <class Backend>
constexpr machine machine_for(const std::optional<machine>& named) {
    return named ? *named : usual_machine(Backend::template block<float> * int(sizeof(float)));
}

/// What one step of a plan costs on the ranks of a mesh.
struct step_cost {
    double compute = 0, exchange = 0;  ///< seconds of the slowest rank
    long bytes = 0, messages = 0;      ///< the most that a rank receives before it
    long weights = 0;                  ///< bytes of filters on the rank that has most
    long flops = 0;                    ///< of the rank that has most

    constexpr double seconds() const { return compute + exchange; }
};

/// What one forward of a plan costs on the ranks of a mesh.
struct forecast {
    growing<step_cost> steps;
    double seconds = 0;
    long bytes = 0, messages = 0;       ///< the most that a rank receives
    long weights = 0, activations = 0;  ///< bytes of the rank that has most

    constexpr long memory() const { return weights + activations; }
};

namespace detail {

/// A tensor that has come in a layout already.
struct fetched {
    int tensor;
    layout key;
};

}  // namespace detail

/// A plan's steps on the ranks of a mesh, one by one. Each figure of a rank takes a time that does not
/// depend on how many ranks there are; of more than eight, some are looked at: those at the edges and
/// in the middle. It is a template, so that its body is compiled only where something is priced.
template <class OnlyIfCalled = void>
class costs_on {
public:
    constexpr costs_on(const plan& p, const setting& s, const machine& m)
        : costs_on(p, s, m, ranks_of(s.who)) {}
    constexpr costs_on(const plan& p, const setting& s, const machine& m, growing<int> ranks)
        : all_(p, s), of_(s), machine_(m), ranks_(std::move(ranks)) {}

    /// The ranks that are looked at.
    constexpr const growing<int>& ranks() const { return ranks_; }
    [[gnu::cold]] static constexpr growing<int> ranks_of(const seat& who) {
        growing<int> ranks;
        const int model = who.model(), across = who.extent(mesh_axis::second);
        const auto add = [&](int r) {
            if (r < 0 || r >= model || std::find(ranks.begin(), ranks.end(), r) != ranks.end())
                return;
            ranks.push_back(r);
        };
        for (int r = 0; r < std::min(model, 8); ++r) {
            if (model <= 8 || r < 2) ranks.push_back(r);
        }
        const int middle = model / across / 2 * across + across / 2;
        for (const int r :
             {middle - 1, middle, middle + 1, middle + across, model - 2, model - 1}) {
            if (model > 8) add(r);
        }
        return ranks;
    }

    /// The work of a rank's kernel in step i.
    [[gnu::cold]] constexpr workload work_of(int i, int rank) const {
        const step& s = all_.step_at(i);
        const box y = all_.computed(s, rank);
        if (s.y < 0 || y.empty()) return {};
        const operation& o = s.what;
        if (lies_there(s)) return {};
        const box x = all_.read_x(s, y, rank);
        const long y_bytes = bytes(y);
        workload w{work::pass, all_.flops_of(s, rank), bytes(x) + y_bytes, 0};
        for (int k = 1; k < s.inputs.size(); ++k) w.tensor_bytes += bytes(all_.read_input(s, k, y));
        if (traits_of(o).ends_sum) w.tensor_bytes += y_bytes * (summands(s.x()) - 1);
        if (!has_filters(o)) return w;
        const filters& f = filters_of(o);

        const long ins =
            x.c.size() / (f.groups > 1 ? std::max(1, f.groups * y.c.size() / f.out) : 1);
        const long outs = round_up(y.c.size(), of_.block), pairs = std::max(1L, ins) * outs;
        w.flops = w.flops / y.c.size() * outs;  // lanes without a channel work too
        w.weight_bytes = pairs * f.taps() * size_of(of_.element);
        if (!traits_of(o).takes_image_blocks) {
            w.kind = work::dense;
        } else if (const int tile = all_.tile(i); tile > 1) {
            const shape all = all_.extents(s.y);
            const long inputs = y.n.size() * products(f.window.h, tile, y.h, all.h) *
                                products(f.window.w, tile, y.w, all.w);
            w = {work::winograd, 2 * inputs * pairs, inputs * (ins + outs) * size_of(of_.element),
                 pairs * (tile + 2) * (tile + 2) * size_of(of_.element)};
        } else if (tile == 1) {
            w.kind = work::paired;
        } else if (f.is_depthwise()) {
            w.kind = work::depthwise;
        } else {
            w.kind = f.taps() == 1 ? work::pointwise : work::window;
        }
        return w;
    }

    /// Bytes and messages that a rank receives and sends so that step i can read tensor t.
    [[gnu::cold]] constexpr traffic traffic_of(int i, int t, int rank) const {
        if (of_.who.ranks == 1) return {};
        const layout& where = all_.tensor_at(t).where;
        if (!where.partial.empty()) return reduction(i, t, rank);
        const layout key = all_.key_of(i, t);
        return fetching(where, all_.extents(t), all_.owner(t, rank), all_.needed(t, key, rank),
                        key.is_whole(), of_, all_.grains_of(t));
    }
    /// What a rank receives and sends that has `own` of a tensor which lies as `where`, and needs
    /// `need` of it as all the others need their parts; `whole`: all of it.
    static constexpr traffic fetching(const layout& where, const shape& extents, const box& own,
                                      const box& need, bool whole, const setting& on,
                                      const grains& by) {
        const box here = intersection(own, need);
        const long bytes_here = message_bytes(here, on);
        traffic moved;
        moved.bytes_received = message_bytes(need, on) - bytes_here;
        if (moved.bytes_received) {
            moved.messages_received =
                owners(where, extents, need, on.who, by) - (here.empty() ? 0 : 1);
        }
        moved.bytes_sent = moved.bytes_received;  // halos and transposes go both ways alike
        moved.messages_sent = moved.messages_received;
        if (whole && !own.empty()) {
            const int others = readers(where, on) - 1;
            moved.bytes_sent = others * bytes_here;
            moved.messages_sent = others;
        }
        return moved;
    }
    constexpr const geometry& places() const { return all_; }

    /// Seconds, bytes and messages of the exchange of tensor t before step i.
    [[gnu::cold]] constexpr step_cost exchange_of(int i, int t) const {
        step_cost c;
        if (has_one_memory()) return c;
        const link& by = machine_.between(of_.who.ranks);
        const bool unpacks = all_.tensor_at(t).where.partial.empty();
        for (const int r : ranks_) {
            const traffic moved = traffic_of(i, t, r);
            c.exchange = std::max(c.exchange, seconds_of(moved, by, unpacks));
            c.bytes = std::max(c.bytes, moved.bytes_received);
            c.messages = std::max(c.messages, moved.messages_received);
        }
        return c;
    }
    /// Seconds, flops and filters of step i.
    constexpr step_cost compute_of(int i) const {
        step_cost c;
        for (const int r : ranks_) {
            const workload w = work_of(i, r);
            c.compute = std::max(c.compute, seconds_of(w, machine_));
            c.weights = std::max(c.weights, w.weight_bytes);
            c.flops = std::max(c.flops, all_.flops_of(all_.step_at(i), r));
        }
        return c;
    }
    /// Seconds until the images lie where the first step reads them.
    [[gnu::cold]] constexpr double input_seconds() const { return bringing(0, 0); }
    /// The same of all inputs, each to the first step that reads it.
    [[gnu::cold]] constexpr double all_inputs_seconds() const {
        double sum = 0;
        for (int k = 0; k < all_.steps().inputs(); ++k) {
            const int t = all_.steps().input_tensor(k);
            for (int i = 0; i <= all_.tensor_at(t).last_reader; ++i) {
                if (!all_.step_at(i).reads(t)) continue;
                sum += bringing(t, i);
                break;
            }
        }
        return sum;
    }

    /// The cost of the whole forward.
    [[gnu::cold]] constexpr forecast all() const {
        forecast f;
        growing<traffic> moved(ranks_.size());
        growing<long> weights(ranks_.size());
        growing<detail::fetched> done;
        for (int i = 0; i < int(all_.steps().steps.size()); ++i) {
            const step& s = all_.step_at(i);
            step_cost c = compute_of(i);
            if (i == 0) c.compute += all_inputs_seconds();
            for (int k = 0; k < s.inputs.size(); ++k) {
                const int t = s.inputs[k];
                if (is_done(done, t, i)) continue;
                done.push_back({t, all_.key_of(i, t)});
                const step_cost e = exchange_of(i, t);
                c.exchange += e.exchange;
                c.bytes += e.bytes;
                c.messages += e.messages;
                for (std::size_t r = 0; r < ranks_.size() && !has_one_memory(); ++r) {
                    moved[r] += traffic_of(i, t, ranks_[r]);
                }
            }
            for (std::size_t r = 0; r < ranks_.size(); ++r) {
                weights[r] += work_of(i, ranks_[r]).weight_bytes;
            }
            f.seconds += c.seconds();
            f.steps.push_back(c);
        }
        for (std::size_t r = 0; r < ranks_.size(); ++r) {
            f.bytes = std::max(f.bytes, moved[r].bytes_received);
            f.messages = std::max(f.messages, moved[r].messages_received);
            f.weights = std::max(f.weights, weights[r]);
            f.activations = std::max(f.activations, activations(ranks_[r]));
        }
        return f;
    }

private:
    /// Of tensor t, to where step i reads it.
    [[gnu::cold]] constexpr double bringing(int t, int i) const {
        double most = 0;
        for (const int r : ranks_) {
            const box read = all_.read(all_.step_at(i), t, r);
            most = std::max(most, seconds_of({work::pass, 0, bytes(read), 0}, machine_));
        }
        return most;
    }
    constexpr bool is_done(const growing<detail::fetched>& done, int t, int i) const {
        if (!all_.tensor_at(t).where.partial.empty()) return false;
        for (const auto& d : done) {
            if (d.tensor == t && d.key == all_.key_of(i, t)) return true;
        }
        return false;
    }

    /// Whether what the step gives lies where its input does, or the other way about: homes.hpp.
    constexpr bool lies_there(const step& s) const {
        if (!traits_of(s.what).moves_channels) return false;
        const tensor &x = all_.tensor_at(s.x()), &y = all_.tensor_at(s.y);
        const int inner = std::min(x.extents.c, y.extents.c);
        if (!x.where.c.empty() || !y.where.c.empty() || index_map_of(s.what).shift % of_.block ||
            inner % of_.block) {
            return false;
        }
        return std::all_of(ranks_.begin(), ranks_.end(), [&](int r) {
            box a = all_.owner(s.x(), r), b = all_.owner(s.y, r);
            a.c = b.c = {};
            return a == b;
        });
    }

    constexpr long bytes(const box& b) const { return message_bytes(b, of_); }
    /// Products of Winograd's filtering along a line of outputs: of whole tiles, but for the last one
    /// of the image.
    static constexpr long products(const taps& t, int tile, range r, int outputs) {
        const long side = t.stride == 1 ? tile + 2 : 2 * tile + 1;
        const long all = (ceil_div(r.hi, tile) - r.lo / tile) * side;
        const int last = outputs % tile;
        if (r.hi < outputs || last == 0) return all;
        return all - (t.stride == 1 ? 1 : tile + 1 - last);
    }

    constexpr bool has_one_memory() const {
        return of_.who.ranks == 1 || of_.mates(0).size() == of_.who.ranks;
    }

    /// How many ranks own something of `need`, of those from whom it is taken.
    [[gnu::cold]] static constexpr long owners(const layout& l, const shape& s, const box& need,
                                               const seat& who, const grains& by) {
        const auto along = [&](range r, int extent, const axes& cut, int grain) -> long {
            return cut.empty() ? 1 : parts_of(r, extent, cut.parts(who), grain);
        };
        return along(need.n, s.n, l.n, 1) * along(need.c, s.c, l.c, by.c) *
               along(need.h, s.h, l.h, by.h) * along(need.w, s.w, l.w, by.w);
    }
    /// How many ranks take from one who owns a part.
    static constexpr int readers(const layout& where, const setting& on) {
        int product = 1;
        for (const auto axis : {mesh_axis::first, mesh_axis::second}) {
            if (where.stage >= 0 || !where.is_copied_along(axis)) product *= on.who.extent(axis);
        }
        return product;
    }

    /// How many ranks have summands of tensor t.
    constexpr int summands(int t) const {
        const tensor& of = all_.tensor_at(t);
        const int parts = of.where.partial.parts(of_.who);
        const int taking = of_.reproducible
                               ? int(std::bit_floor(unsigned(std::min(parts, reproducible_leaves))))
                               : parts;
        const int channels = all_.extents(all_.step_at(of.producer).x()).c;
        return std::min(taking, ceil_div(channels, of_.block));
    }
    [[gnu::cold]] constexpr traffic reduction(int i, int t, int rank) const {
        const box mine = all_.read(all_.step_at(i), t, rank), own = all_.owner(t, rank);
        const box here = intersection(own, mine);
        const int from = summands(t);
        const auto bytes = [&](const box& b) { return message_bytes(b, of_, all_.element_of(t)); };
        traffic moved;
        if (!mine.empty()) {
            moved.bytes_received = from * bytes(mine) - bytes(here);
            moved.messages_received = from * owners(all_.tensor_at(t).where, all_.extents(t), mine,
                                                    of_.who, all_.grains_of(t)) -
                                      (here.empty() ? 0 : 1);
        }
        moved.bytes_sent = bytes(own) - bytes(here);
        if (moved.bytes_sent > 0) {
            moved.messages_sent = all_.tensor_at(t).where.partial.parts(of_.who) - 1;
        }
        return moved;
    }

    /// The most that lives at once, as if no memory were lost between tensors.
    [[gnu::cold]] constexpr long activations(int rank) const {
        const plan& p = all_.steps();
        growing<long> live(p.steps.size());
        for (int t = 0; t < int(p.tensors.size()); ++t) {
            const tensor& of = all_.tensor_at(t);
            box held = all_.owner(t, rank);
            for (int i = of.producer + 1; i <= of.last_reader; ++i) {
                if (all_.step_at(i).reads(t))
                    held = hull(held, all_.read(all_.step_at(i), t, rank));
            }
            for (int i = std::max(0, of.producer); i <= of.last_reader; ++i) {
                live[std::size_t(i)] += bytes(held);
            }
        }
        return live.empty() ? 0 : *std::max_element(live.begin(), live.end());
    }

    geometry all_;
    setting of_;
    machine machine_;
    growing<int> ranks_;
};

using costs = costs_on<>;

/// What a forward of the plan costs on a machine, on the slowest rank of the mesh of `s`.
/// Cost: O(steps * readers), whatever the number of ranks; constexpr.
template <class OnlyIfCalled = void>
constexpr forecast forecast_of(const plan& p, const setting& s, const machine& m) {
    return costs(p, s, m).all();
}

}  // namespace mpar
