// SPDX-License-Identifier: MIT
// A rank's weights: read, folded, packed and kept, or taken as they were packed before. Knows the
// plan; nothing of files.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/core/finite.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/core/math.hpp>
#include <mpar/net/run/packing.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace mpar {

/// Where weights come from, for the length of a load: writes rows [rows.lo, rows.hi) of the first
/// extent of parameter `index` of the plan to `out`. throws: mpar::error.
template <class T>
using parameter_reader = function_ref<void(int index, range rows, T* out)>;

/// Weights as a rank has packed them, and who keeps the memory (nobody: the network itself).
struct packed_weights {
    std::span<const std::byte> bytes;  ///< aligned to 64
    std::shared_ptr<const void> keeper;
};

/// This rank's share of all weights in the backend's memory: packed filters and shifts by step.
template <class Backend, class T>
class parameters {
public:
    /// What memory it takes, one for a whole team.
    parameters(const plan& p, const part& mine, team& where)
        : plan_(p), slots_(p, mine), team_(&where) {}

    /// Of a cut sum, of one of its leaves.
    const T* weights(int step, int leaf = 0) const {
        const auto& slot = slots_[std::size_t(step)];
        if (!slot.needed) return nullptr;
        return data() + slot.weights + (leaf ? slots_.leaf_offset(slot, std::size_t(leaf)) : 0);
    }
    const T* bias(int step) const {
        const auto& slot = slots_[std::size_t(step)];
        return slot.needed ? data() + slot.bias : nullptr;
    }
    std::size_t bytes() const { return slots_.bytes(); }

    /// The ranks that have one copy of them.
    const team& sharers() const { return *team_; }

    /// What decides the bytes that load() packs, besides the values.
    recipe made_by() const { return slots_.made_by(); }

    /// Reads what the team needs, folds norms in double precision and packs: each member does some
    /// of the steps. collective over the team, for its memory; the caller sees to it that all are done.
    /// throws: what `read` throws; error(numbers) when folding meets a variance below zero;
    /// error(device), every member, when memory is unavailable.
    void load(typename Backend::queue& queue, const parameter_reader<T>& read) {
        own_memory();
        int turn = 0;
        const auto mine = [&] { return turn++ % team_->members() == team_->member(); };
        scratch room{largest_filters()};
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (!slots_[i].needed || !mine()) continue;
            const auto& s = plan_.steps[i];
            switch (traits_of(s.what).weights) {
                case packed_as::filters: load_filters(queue, s, slots_[i], read, room); break;
                case packed_as::scales: load_norm(queue, s, slots_[i], read); break;
                case packed_as::shifts: load_shift(queue, s, slots_[i], read); break;
                case packed_as::as_loaded: load_custom(queue, s, slots_[i], read); break;
                case packed_as::nothing: break;
            }
        }
        queue.finish();
    }

    /// Takes weights of the same recipe: in place, where kernels work in the host's memory.
    /// throws: error(internal) when they are not as many; error(device).
    void take(typename Backend::queue& queue, const packed_weights& from) {
        if constexpr (in_host_memory)
            memory_ = {}, taken_ = {};  // of all members, also where one fails
        if (from.bytes.size() != bytes()) {
            throw error(fault::internal, "mpar: " + std::to_string(from.bytes.size()) +
                                             " bytes of packed weights in place of " +
                                             std::to_string(bytes()));
        }
        if constexpr (in_host_memory) {
            taken_ = from;
        } else {
            own_memory();
            queue.copy_to_device(own(), from.bytes.data(), from.bytes.size());
            queue.finish();
        }
    }

    /// All of them as they lie in memory, to be taken by another run.
    packed_weights packed(typename Backend::queue& queue) const {
        if constexpr (in_host_memory) {
            return {std::span(reinterpret_cast<const std::byte*>(data()), bytes()), nullptr};
        } else {
            auto copy = std::make_shared<buffer<std::byte>>(bytes());
            queue.copy_to_host(copy->data(), data(), bytes());
            queue.finish();
            return {std::span(copy->data(), bytes()), copy};
        }
    }

private:
    static constexpr bool in_host_memory = std::same_as<typename Backend::memory, host_memory>;

    /// y = scale * x + shift per channel, as a batch_norm comes out.
    struct affine_map {
        growing<double> scale, shift;
    };
    /// Room for one step's filters before they are packed, the same for all steps.
    struct scratch {
        buffer<T> filters;

        explicit scratch(std::size_t count) : filters(count) {}
    };

    /// Memory to write to, in place of weights that were taken.
    void own_memory() {
        taken_ = {};
        if (!memory_.data() && bytes() > 0) memory_ = {*team_, bytes()};
    }
    T* own() const { return static_cast<T*>(memory_.data()); }
    const T* data() const {
        if (taken_.bytes.data()) return reinterpret_cast<const T*>(taken_.bytes.data());
        return own();
    }

    static long filters_count(const step& s, const convolution& problem) {
        if (!has_filters(s.what)) return 0;
        return long(problem.out_channels.size()) * problem.in_per_group() * problem.window_taps();
    }
    std::size_t largest_filters() const {
        long most = 0;
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (!slots_[i].needed) continue;
            most = std::max(most, filters_count(plan_.steps[i], slots_[i].problem));
        }
        return std::size_t(most);
    }

    growing<T> rows_of(const parameter_reader<T>& read, int index, range rows) const {
        const auto& p = plan_.parameters[static_cast<std::size_t>(index)];
        const long row = p.count() / p.extents[0];
        growing<T> values(static_cast<std::size_t>(row * rows.size()));
        read(index, rows, values.data());
        return values;
    }

    affine_map norm_of(const parameter_reader<T>& read, int first, range channels,
                       double epsilon) const {
        growing<T> values[4];
        for (int i = 0; i < 4; ++i) values[i] = rows_of(read, first + i, channels);
        affine_map map;
        for (std::size_t c = 0; c < values[0].size(); ++c) {
            const double variance = double(values[3][c]) + epsilon;
            if (!(variance > 0)) {
                throw error(fault::numbers, "mpar: a batch_norm's running_var plus epsilon is " +
                                                std::to_string(variance) + " in channel " +
                                                std::to_string(channels.lo + int(c)));
            }
            const double scale = double(values[0][c]) / square_root(variance);
            map.scale.push_back(scale);
            map.shift.push_back(multiply_add(-double(values[2][c]), scale, double(values[1][c])));
        }
        return map;
    }

    /// Rounded once. Sixteen at a time: a number of turns that the compiler knows.
    static void scale_row(T* row, std::size_t count, double scale) {
        constexpr std::size_t lanes = 16;
        for (; count >= lanes; count -= lanes, row += lanes) {
            for (std::size_t i = 0; i < lanes; ++i) row[i] = T(double(row[i]) * scale);
        }
        for (std::size_t i = 0; i < count; ++i) row[i] = T(double(row[i]) * scale);
    }

    /// The shift of channels after a layer's sum, and what scales its filters: bias and norm.
    affine_map folded(const step& s, range outs, const parameter_reader<T>& read) const {
        affine_map map;
        map.shift.resize(static_cast<std::size_t>(outs.size()));
        const auto own = plan_.layer_of(s.weights);
        if (own.size() > 1 && own[1].is == role::bias) {
            const auto bias = rows_of(read, s.weights + 1, outs);
            map.shift = growing<double>(bias.begin(), bias.end());
        }
        if (s.norm < 0) return map;
        const auto norm = norm_of(read, s.norm, outs, s.epsilon);
        for (std::size_t o = 0; o < map.shift.size(); ++o) {
            map.shift[o] = multiply_add(map.shift[o], norm.scale[o], norm.shift[o]);
        }
        map.scale = norm.scale;
        return map;
    }

    void load_filters(typename Backend::queue& queue, const step& s, const weight_slot& where,
                      const parameter_reader<T>& read, scratch& room) {
        const range outs = where.problem.out_channels;
        T* const filters = room.filters.data();
        read(s.weights, outs, filters);
        auto map = folded(s, outs, read);
        if (!map.scale.empty()) {
            const std::size_t row = std::size_t(filters_count(s, where.problem)) / map.shift.size();
            for (std::size_t o = 0; o < map.shift.size(); ++o) {
                scale_row(filters + o * row, row, map.scale[o]);
            }
        }
        if (!where.leaves.empty()) map.shift.assign(map.shift.size(), 0);  // by the reduce step
        const auto count = std::size_t(slots_.leaf_offset(where, where.leaves.size()));
        if constexpr (in_host_memory) {
            pack(filters, where, own() + where.weights);
            require_finite(own() + where.weights, count);
            std::fill(own() + where.weights + count, own() + where.bias, T(0));
        } else {
            growing<T> packed(std::size_t(where.bias - where.weights));
            pack(filters, where, packed.data());
            store(queue, where.weights, packed);
        }
        store_channels(queue, where.bias, map.shift);
    }
    void pack(const T* filters, const weight_slot& where, T* to) const {
        if (where.leaves.empty()) return Backend::pack_filters(filters, where.problem, to);
        for (std::size_t i = 0; i < where.leaves.size(); ++i) {
            if (where.leaves[i].empty()) continue;
            Backend::pack_filters(filters, where.leaf(i), to + slots_.leaf_offset(where, i));
        }
    }

    void load_shift(typename Backend::queue& queue, const step& s, const weight_slot& where,
                    const parameter_reader<T>& read) {
        const auto map = folded(s, where.problem.out_channels, read);
        store_channels(queue, where.weights, growing<double>(map.shift.size(), 1));
        store_channels(queue, where.bias, map.shift);
    }

    void load_norm(typename Backend::queue& queue, const step& s, const weight_slot& where,
                   const parameter_reader<T>& read) {
        const auto map = norm_of(read, s.weights, where.problem.out_channels, s.epsilon);
        store_channels(queue, where.weights, map.scale);
        store_channels(queue, where.bias, map.shift);
    }

    void load_custom(typename Backend::queue& queue, const step& s, const weight_slot& where,
                     const parameter_reader<T>& read) {
        growing<T> all;
        const auto own = plan_.layer_of(s.weights);
        for (std::size_t i = 0; i < own.size(); ++i) {
            const auto values = rows_of(read, s.weights + int(i), {0, own[i].extents[0]});
            all.append(values.data(), values.size());
        }
        all.resize(std::size_t(where.bias - where.weights));
        store(queue, where.weights, all);
        store_channels(queue, where.bias,
                       growing<double>(std::size_t(where.problem.out_channels.size())));
    }

    /// Rounded to T and filled up with zeros to whole blocks and to the next slot: no byte of the
    /// memory is left to chance.
    void store_channels(typename Backend::queue& queue, long offset,
                        const growing<double>& values) {
        growing<T> filled(values.begin(), values.end());
        filled.resize(round_up(filled.size(), std::size_t(Backend::template block<T>)));
        filled.resize(round_up(filled.size(), 64 / sizeof(T)));
        store(queue, offset, filled);
    }

    void store(typename Backend::queue& queue, long offset, const growing<T>& values) {
        require_finite(values.data(), values.size());
        queue.copy_to_device(own() + offset, values.data(), values.size() * sizeof(T));
        queue.finish();
    }

    /// throws: error(numbers) when folding has made a number that T cannot hold.
    static void require_finite(const T* values, std::size_t count) {
        if (all_finite<T>(values, count)) return;
        throw error(fault::numbers,
                    "mpar: folding norms into the weights gives a number that is "
                    "not finite");
    }

    plan plan_;
    packing<Backend, T> slots_;
    team* team_;
    team_memory<typename Backend::memory> memory_;
    packed_weights taken_;
};

}  // namespace mpar
