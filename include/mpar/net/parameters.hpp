// SPDX-License-Identifier: MIT
// A rank's weights: read, folded, packed and kept. Knows the plan; nothing of files.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/kernels/backend.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/net/part.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace mpar {

/// Where weights come from: writes rows [rows.lo, rows.hi) of the first extent of parameter `index`
/// of the plan to `out`. throws: mpar::error.
template <class T>
using parameter_reader = std::function<void(int index, range rows, T* out)>;

/// Where a step's weights lie, and what they are for.
struct weight_slot {
    convolution problem;
    bool needed = false;
    long weights = 0, bias = 0;  ///< offsets in elements
};

/// This rank's share of all weights in the backend's memory: packed filters and shifts by step.
template <class Backend, class T>
class parameters {
public:
    /// What memory it takes, one for a whole team.
    parameters(const plan& p, const part& mine, team& where) : plan_(p), team_(&where) {
        constexpr long aligned = 64 / sizeof(T);
        constexpr int block = Backend::template block<T>;
        long end = 0;
        for (std::size_t i = 0; i < p.steps.size(); ++i) {
            const auto& s = p.steps[i];
            const auto& part_of = mine.steps[i];
            weight_slot at;
            at.problem = problem_of(s.what, part_of.x.c, part_of.y, part_of.tile);
            at.needed = s.weights >= 0 && !part_of.y.empty();
            if (at.needed) {
                const int channels = round_up(part_of.y.c.size(), block);
                at.weights = end;
                end = round_up(end + weights_count(s, at.problem, channels), aligned);
                at.bias = end;
                end = round_up(end + channels, aligned);
            }
            slots_.push_back(at);
        }
        bytes_ = static_cast<std::size_t>(end) * sizeof(T);
    }

    const T* weights(int step) const {
        return at(step).needed ? data() + at(step).weights : nullptr;
    }
    const T* bias(int step) const { return at(step).needed ? data() + at(step).bias : nullptr; }
    std::size_t bytes() const { return bytes_; }

    /// collective over the team. throws: error(device) when memory is not to be had.
    void allocate() { memory_ = {*team_, bytes_}; }

    /// Reads what the team needs, folds norms in double precision and packs: each member does some
    /// of the steps. No communication: the caller sees to it that all are done.
    /// throws: what `read` throws; error(numbers) when folding meets a variance below zero.
    void load(typename Backend::queue& queue, const parameter_reader<T>& read) {
        int turn = 0;
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (!slots_[i].needed) continue;
            if (turn++ % team_->members() != team_->member()) continue;
            const auto& s = plan_.steps[i];
            switch (s.what.kind) {
                case op::convolution:
                case op::dense: load_filters(queue, s, slots_[i], read); break;
                case op::batch_norm: load_norm(queue, s, slots_[i], read); break;
                case op::custom: load_custom(queue, s, slots_[i], read); break;
                default: break;
            }
        }
        queue.finish();
    }

private:
    /// y = scale * x + shift per channel, as a batch_norm comes out.
    struct affine_map {
        std::vector<double> scale, shift;
    };

    T* data() const { return static_cast<T*>(memory_.data()); }
    const weight_slot& at(int step) const { return slots_[static_cast<std::size_t>(step)]; }

    static long weights_count(const step& s, const convolution& problem, int channels) {
        switch (s.what.kind) {
            case op::batch_norm: return channels;
            case op::custom: {
                long count = 0;
                for (int i = 0; i < s.what.parameter_count; ++i) {
                    count += s.what.parameters[static_cast<std::size_t>(i)].count();
                }
                return count;
            }
            default: return Backend::template packed_filters<T>(problem);
        }
    }

    std::vector<T> rows_of(const parameter_reader<T>& read, int index, range rows) const {
        const auto& p = plan_.parameters[static_cast<std::size_t>(index)];
        const long row = p.count() / p.extents[0];
        std::vector<T> values(static_cast<std::size_t>(row * rows.size()));
        read(index, rows, values.data());
        return values;
    }

    affine_map norm_of(const parameter_reader<T>& read, int first, range channels,
                       double epsilon) const {
        std::vector<T> values[4];
        for (int i = 0; i < 4; ++i) values[i] = rows_of(read, first + i, channels);
        affine_map map;
        for (std::size_t c = 0; c < values[0].size(); ++c) {
            const double variance = double(values[3][c]) + epsilon;
            if (!(variance > 0)) {
                throw error(fault::numbers, "mpar: a batch_norm's running_var plus epsilon is " +
                                                std::to_string(variance) + " in channel " +
                                                std::to_string(channels.lo + int(c)));
            }
            const double scale = double(values[0][c]) / std::sqrt(variance);
            map.scale.push_back(scale);
            map.shift.push_back(double(values[1][c]) - double(values[2][c]) * scale);
        }
        return map;
    }

    void load_filters(typename Backend::queue& queue, const step& s, const weight_slot& where,
                      const parameter_reader<T>& read) {
        const range outs = where.problem.out_channels;
        std::vector<T> filters = rows_of(read, s.weights, outs);
        std::vector<double> shift(static_cast<std::size_t>(outs.size()));
        if (s.what.bias) {
            const auto bias = rows_of(read, s.weights + 1, outs);
            shift.assign(bias.begin(), bias.end());
        }
        if (s.norm >= 0) {
            const auto map = norm_of(read, s.norm, outs, s.what.epsilon);
            const std::size_t row = filters.size() / shift.size();
            for (std::size_t o = 0; o < shift.size(); ++o) {
                for (std::size_t k = o * row; k < (o + 1) * row; ++k) {
                    filters[k] = T(double(filters[k]) * map.scale[o]);
                }
                shift[o] = shift[o] * map.scale[o] + map.shift[o];
            }
        }
        std::vector<T> packed(
            static_cast<std::size_t>(Backend::template packed_filters<T>(where.problem)));
        Backend::pack_filters(filters.data(), where.problem, packed.data());
        store(queue, where.weights, packed);
        store_channels(queue, where.bias, shift);
    }

    void load_norm(typename Backend::queue& queue, const step& s, const weight_slot& where,
                   const parameter_reader<T>& read) {
        const auto map = norm_of(read, s.weights, where.problem.out_channels, s.what.epsilon);
        store_channels(queue, where.weights, map.scale);
        store_channels(queue, where.bias, map.shift);
    }

    void load_custom(typename Backend::queue& queue, const step& s, const weight_slot& where,
                     const parameter_reader<T>& read) {
        std::vector<T> all;
        for (int i = 0; i < s.what.parameter_count; ++i) {
            const auto& p = plan_.parameters[static_cast<std::size_t>(s.weights + i)];
            const auto values = rows_of(read, s.weights + i, {0, p.extents[0]});
            all.insert(all.end(), values.begin(), values.end());
        }
        store(queue, where.weights, all);
    }

    /// Rounded to T and filled up with zeros to whole blocks.
    void store_channels(typename Backend::queue& queue, long offset,
                        const std::vector<double>& values) {
        std::vector<T> filled(values.begin(), values.end());
        filled.resize(round_up(filled.size(), std::size_t(Backend::template block<T>)));
        store(queue, offset, filled);
    }

    /// throws: error(numbers) when folding has made a number that T cannot hold.
    void store(typename Backend::queue& queue, long offset, const std::vector<T>& values) {
        if (!std::ranges::all_of(values, [](T v) { return std::isfinite(v); })) {
            throw error(fault::numbers,
                        "mpar: folding norms into the weights gives a number that is "
                        "not finite");
        }
        queue.copy_to_device(data() + offset, values.data(), values.size() * sizeof(T));
        queue.finish();
    }

    plan plan_;
    std::vector<weight_slot> slots_;
    team* team_;
    std::size_t bytes_ = 0;
    team_memory<typename Backend::memory> memory_;
};

}  // namespace mpar
