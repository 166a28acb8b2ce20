// SPDX-License-Identifier: MIT
// Where each step's packed weights lie, and what decides their bytes. Knows the plan; no values.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/io/checksum.hpp>
#include <mpar/kernels/backend.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/plan/plan.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpar {

/// Where a step's weights lie, and what they are for.
struct weight_slot {
    convolution problem;
    bool needed = false;
    long weights = 0, bias = 0;  ///< offsets in elements
    growing<range> leaves;       ///< of a cut sum: its input channels are packed in these parts

    /// The problem of one leaf. requires: there are leaves.
    convolution leaf(std::size_t i) const {
        convolution c = problem;
        c.in_channels = leaves[i];
        return c;
    }
};

/// All that decides the bytes of packed weights but the parameters' values: equal recipes, equal
/// bytes.
struct recipe {
    std::string slots;    ///< what lies where, on which backend
    std::string kernels;  ///< digests of small layers that the backend has packed for it, which a
                          ///< changed kernel changes
};

/// One rank's slots of a plan in the backend's order.
template <class Backend, class T>
class packing {
public:
    /// Counts the changes of what parameters::load makes of the values, besides pack_filters.
    static constexpr int format = 1;

    [[gnu::cold]] packing(const plan& p, const part& mine) : plan_(p) {
        constexpr long aligned = 64 / sizeof(T);
        constexpr int block = Backend::template block<T>;
        long end = 0;
        for (std::size_t i = 0; i < p.steps.size(); ++i) {
            const auto& s = p.steps[i];
            const auto& part_of = mine.steps[i];
            weight_slot at;
            at.problem = problem_of(s.what, part_of.x.c, part_of.y, part_of.tile);
            at.leaves = part_of.leaves;
            at.needed = s.weights >= 0 && !part_of.y.empty();
            if (at.needed) {
                const int channels = round_up(part_of.y.c.size(), block);
                at.weights = end;
                end = round_up(end + weights_count(s, at, channels), aligned);
                at.bias = end;
                end = round_up(end + channels, aligned);
            }
            slots_.push_back(at);
        }
        bytes_ = static_cast<std::size_t>(end) * sizeof(T);
    }

    const weight_slot& operator[](std::size_t step) const { return slots_[step]; }
    std::size_t size() const { return slots_.size(); }
    std::size_t bytes() const { return bytes_; }

    /// Cost: a tenth of a millisecond.
    [[gnu::cold]] recipe made_by() const {
        recipe all;
        std::string& text = all.slots;
        text = std::string(Backend::name) + " " + Backend::isa();
        add(text, {long(sizeof(T)), Backend::template block<T>, long(bytes_)});
        for (const auto& q : plan_.parameters) {
            text += "\n" + std::string(q.suffix);
            add(text, {long(q.is), q.extents[0], q.extents[1], q.extents[2], q.extents[3], q.rank});
        }
        all.kernels = "format " + std::to_string(format);
        std::vector<std::string> seen;
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (!slots_[i].needed) continue;
            const operation& o = plan_.steps[i].what;
            const convolution& c = slots_[i].problem;
            text += "\nslot";
            const step& s = plan_.steps[i];
            add(text, {long(i), long(traits_of(o).weights), s.weights, s.norm,
                       long(std::bit_cast<std::int64_t>(s.epsilon)),
                       slots_[i].weights, slots_[i].bias, c.in, c.out, c.groups, c.in_channels.lo,
                       c.in_channels.hi, c.out_channels.lo, c.out_channels.hi});
            add(text,
                {c.window.h.stride, c.window.h.dilation, c.window.w.stride, c.window.w.dilation});
            for (const range& l : slots_[i].leaves) add(text, {l.lo, l.hi});
            if (!has_filters(o)) continue;
            std::string kind = "\nkind";
            add(kind,
                {c.window.h.kernel, c.window.w.kernel, c.how.tile, c.groups > 1, c.is_depthwise()});
            text += kind;
            if (std::ranges::find(seen, kind) != seen.end()) continue;
            seen.push_back(kind);
            add(all.kernels, {long(sample_digest(c))});
        }
        return all;
    }

    /// Where the filters of one leaf begin, from the slot's first; the whole without leaves.
    static long leaf_offset(const weight_slot& at, std::size_t leaf) {
        if (at.leaves.empty()) return Backend::template packed_filters<T>(at.problem);
        long end = 0;
        for (std::size_t i = 0; i < leaf; ++i) {
            if (!at.leaves[i].empty()) end += Backend::template packed_filters<T>(at.leaf(i));
        }
        return end;
    }

private:
    [[gnu::cold]] static void add(std::string& text, std::initializer_list<long> numbers) {
        for (const long n : numbers) text += " " + std::to_string(n);
    }

    long weights_count(const step& s, const weight_slot& at, int channels) const {
        switch (traits_of(s.what).weights) {
            case packed_as::nothing: break;
            case packed_as::filters: return leaf_offset(at, at.leaves.size());
            case packed_as::scales:
            case packed_as::shifts: return channels;
            case packed_as::as_loaded: {
                long count = 0;
                for (const auto& p : plan_.layer_of(s.weights)) count += p.count();
                return count;
            }
        }
        return 0;
    }

    /// Of a layer of few channels, packed as that one is.
    [[gnu::cold]] static std::uint64_t sample_digest(const convolution& c) {
        convolution few = c;
        few.groups = std::min(c.groups, c.is_depthwise() ? 24 : 3);
        few.in = few.groups * std::min(c.in_per_group(), 24 / few.groups);
        few.out = few.groups * std::min(c.out_per_group(), 24 / few.groups);
        few.in_channels = {0, few.in};
        few.out_channels = {0, few.out};
        growing<T> filters(std::size_t(few.out) * std::size_t(few.in_per_group()) *
                           std::size_t(few.window_taps()));
        for (std::size_t i = 0; i < filters.size(); ++i) filters[i] = T(i + 1);
        growing<T> packed(std::size_t(Backend::template packed_filters<T>(few)));
        Backend::pack_filters(filters.data(), few, packed.data());
        return io::checksum(std::as_bytes(std::span(packed)));
    }

    plan plan_;
    growing<weight_slot> slots_;
    std::size_t bytes_ = 0;
};

}  // namespace mpar
