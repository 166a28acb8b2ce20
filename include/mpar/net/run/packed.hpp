// SPDX-License-Identifier: MIT
// A rank's packed weights by step: made of unpacked ones, as often as those change, or taken as
// they were packed before. Knows the plan; nothing of files.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/net/run/folding.hpp>
#include <mpar/net/run/packing.hpp>
#include <mpar/net/run/stored.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace mpar {

/// Weights as a rank has packed them, and who keeps the memory (nobody: the network itself).
struct packed_weights {
    std::span<const std::byte> bytes;  ///< aligned to 64
    std::shared_ptr<const void> keeper;
};

/// This rank's share of all weights in the backend's memory: packed filters and shifts by step.
template <class Backend, class T>
class packed_parameters {
public:
    /// What memory it takes, one for a whole team. requires: `mine` lives as long as this.
    packed_parameters(const plan& p, const part& mine, team& where)
        : plan_(p), part_(&mine), slots_(p, mine), team_(&where) {}

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

    /// What decides the bytes that pack() makes, besides the values.
    recipe made_by() const { return slots_.made_by(); }

    /// Reads what the team needs, folds norms in double precision and packs: each member does some
    /// of the steps. collective over the team, for its memory; the caller sees to it that all are
    /// done. throws: what `read` throws; error(numbers) when folding meets a variance below zero;
    /// error(device), every member, when memory is unavailable.
    void pack(typename Backend::queue& queue, const parameter_reader<T>& read) {
        own_memory();
        int turn = 0;
        const auto mine = [&] { return turn++ % team_->members() == team_->member(); };
        buffer<T> room(largest_filters());  // one step's filters before they are packed
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (!slots_[i].needed || !mine()) continue;
            const auto& s = plan_.steps[i];
            switch (traits_of(s.what).weights) {
                case packed_as::filters:
                    pack_filters(queue, s, slots_[i], read, room.data());
                    break;
                case packed_as::scales: pack_norm(queue, s, slots_[i], read); break;
                case packed_as::shifts: pack_shift(queue, s, slots_[i], read); break;
                case packed_as::as_loaded: pack_custom(queue, s, slots_[i], read); break;
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

    /// What a step's channels `outs` take of the parameter with that role in the layer whose first
    /// one is `first`: nothing where there is none.
    [[gnu::cold]] growing<T> values(const parameter_reader<T>& read, int first, role is,
                                    range outs) const {
        const auto layer = plan_.layer_of(first);
        for (std::size_t i = 0; i < layer.size(); ++i) {
            if (layer[i].is != is) continue;
            growing<T> all(std::size_t(outs.size()));
            read(first + int(i), outs, all.data());
            return all;
        }
        return {};
    }
    [[gnu::cold]] growing<double> scale_of(const parameter_reader<T>& read, int norm, range outs,
                                           double epsilon) const {
        const auto weight = values(read, norm, role::scale, outs);
        const auto variance = values(read, norm, role::variance, outs);
        return norm_scale(weight, variance, epsilon, outs.lo);
    }
    [[gnu::cold]] growing<double> shift_of(const parameter_reader<T>& read, int norm, range outs,
                                           const growing<double>& scale) const {
        const auto mean = values(read, norm, role::mean, outs);
        const auto bias = values(read, norm, role::shift, outs);
        return norm_shift(scale, mean, bias);
    }
    /// What a layer's sum is shifted by: its bias, behind a norm of that scale where there is one.
    [[gnu::cold]] growing<double> folded_shift(const parameter_reader<T>& read, const step& s,
                                               range outs, const growing<double>& scale) const {
        const auto bias = values(read, s.weights, role::bias, outs);
        growing<double> shift(bias.begin(), bias.end());
        shift.resize(std::size_t(outs.size()));
        if (s.norm >= 0) fold_shift(shift, scale, shift_of(read, s.norm, outs, scale));
        return shift;
    }
    [[gnu::cold]] growing<double> norm_scale_of(const parameter_reader<T>& read, const step& s,
                                                range outs) const {
        if (s.norm < 0) return {};
        return scale_of(read, s.norm, outs, s.epsilon);
    }

    /// Summands are scaled; their sum is shifted by the step that ends it.
    void pack_filters(typename Backend::queue& queue, const step& s, const weight_slot& where,
                      const parameter_reader<T>& read, T* filters) {
        const range outs = where.problem.out_channels;
        read(s.weights, outs, filters);
        const auto scale = norm_scale_of(read, s, outs);
        const auto row = std::size_t(filters_count(s, where.problem) / outs.size());
        scale_rows(filters, row, scale);
        const auto shift = where.leaves.empty() ? folded_shift(read, s, outs, scale)
                                                : growing<double>(std::size_t(outs.size()));
        const auto count = std::size_t(slots_.leaf_offset(where, where.leaves.size()));
        if constexpr (in_host_memory) {
            pack(filters, where, own() + where.weights);
            require_folded_finite(own() + where.weights, count);
            std::fill(own() + where.weights + count, own() + where.bias, T(0));
        } else {
            growing<T> packed(std::size_t(where.bias - where.weights));
            pack(filters, where, packed.data());
            store(queue, where.weights, packed);
        }
        store_channels(queue, where.bias, shift);
    }
    void pack(const T* filters, const weight_slot& where, T* to) const {
        if (where.leaves.empty()) return Backend::pack_filters(filters, where.problem, to);
        for (std::size_t i = 0; i < where.leaves.size(); ++i) {
            if (where.leaves[i].empty()) continue;
            Backend::pack_filters(filters, where.leaf(i), to + slots_.leaf_offset(where, i));
        }
    }

    [[gnu::cold]] void pack_shift(typename Backend::queue& queue, const step& s,
                                  const weight_slot& where, const parameter_reader<T>& read) {
        const range outs = where.problem.out_channels;
        const auto shift = folded_shift(read, s, outs, norm_scale_of(read, s, outs));
        store_channels(queue, where.weights, growing<double>(shift.size(), 1));
        store_channels(queue, where.bias, shift);
    }

    [[gnu::cold]] void pack_norm(typename Backend::queue& queue, const step& s,
                                 const weight_slot& where, const parameter_reader<T>& read) {
        const range outs = where.problem.out_channels;
        const auto scale = scale_of(read, s.weights, outs, s.epsilon);
        store_channels(queue, where.weights, scale);
        store_channels(queue, where.bias, shift_of(read, s.weights, outs, scale));
    }

    [[gnu::cold]] void pack_custom(typename Backend::queue& queue, const step& s,
                                   const weight_slot& where, const parameter_reader<T>& read) {
        growing<T> all(std::size_t(where.bias - where.weights));
        T* to = all.data();
        plan_.for_each_parameter(s, [&](int i) {
            const box& b = part_->parameters[std::size_t(i)].owned;
            read(i, b.n, to);
            to += b.count();
        });
        store(queue, where.weights, all);
        store_channels(queue, where.bias,
                       growing<double>(std::size_t(where.problem.out_channels.size())));
    }

    /// Rounded to T and filled up with zeros to whole blocks and to the next slot: no byte of the
    /// memory is left to chance.
    [[gnu::cold]] void store_channels(typename Backend::queue& queue, long offset,
                                      const growing<double>& values) {
        growing<T> filled(values.begin(), values.end());
        filled.resize(round_up(filled.size(), std::size_t(Backend::template block<T>)));
        filled.resize(round_up(filled.size(), 64 / sizeof(T)));
        store(queue, offset, filled);
    }

    [[gnu::cold]] void store(typename Backend::queue& queue, long offset,
                             const growing<T>& values) {
        require_folded_finite(values.data(), values.size());
        queue.copy_to_device(own() + offset, values.data(), values.size() * sizeof(T));
        queue.finish();
    }

    plan plan_;
    const part* part_;
    packing<Backend, T> slots_;
    team* team_;
    team_memory<typename Backend::memory> memory_;
    packed_weights taken_;
};

}  // namespace mpar
