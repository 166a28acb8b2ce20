// SPDX-License-Identifier: MIT
// One rank's part of a plan as values: boxes, messages, memory. Knows not how they are worked out
// (partition.hpp), no memory and no MPI.
#pragma once

#include <mpar/comm/traffic.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/granularity.hpp>
#include <mpar/shard/layout.hpp>
#include <mpar/shard/transition.hpp>
#include <mpar/tensor/dtype.hpp>
#include <mpar/tensor/view.hpp>

#include <span>

namespace mpar {

class line_grains;

/// Of convolutions that are to be computed by their sums.
constexpr int no_winograd(const convolution&, const shape&) { return 0; }

/// For whom a plan is worked out.
struct setting {
    seat who;
    int batch = 1;
    int block = 1;               ///< channels side by side in the backend's memory
    dtype element = dtype::f32;  ///< of tensors between steps
    /// The first seats of teams whose members have one memory; none: each seat has its own.
    std::span<const int> first_seats{};
    /// Backend::winograd_tile where convolutions may be computed so.
    int (*winograd_tile)(const convolution& layer, const shape& y) = no_winograd;
    /// Sums that are cut between ranks have the same bits on 1, 2, 4 and 8 of them.
    bool reproducible = false;
    /// Of how many images a pipeline's batch is a part, so that tiles do not depend on it; 0: none.
    int whole_batch = 0;
    /// Of the plan that this one is a piece of; nullptr: it is whole, and has its own.
    const line_grains* grains = nullptr;
    int image_block = 0;    ///< of images of few channels that convolutions alone read; 0: `block`
    long cache_bytes = 0;   ///< what a step's tensors are to fit in, some images at a time; 0: any
    granularity divides{};  ///< the backend's

    /// The seats that have one memory with `rank`.
    constexpr range mates(int rank) const {
        range r{rank, rank + 1};
        if (first_seats.empty()) return r;
        r = {0, who.ranks};
        for (const int first : first_seats) {
            if (first <= rank) r.lo = first;
            if (first > rank) r.hi = std::min(r.hi, first);
        }
        return r;
    }
};

/// For a backend's memory and kernels.
template <class Backend, class T>
constexpr setting setting_on(const seat& who, int batch, bool exact = false) {
    setting s{who, batch, Backend::template block<T>, dtype_of<T>};
    if (!exact) s.winograd_tile = &Backend::template winograd_tile<T>;
    if constexpr (requires { Backend::template image_block<T>; }) {
        s.image_block = Backend::template image_block<T>;
    }
    if constexpr (requires { Backend::cache_bytes; }) s.cache_bytes = Backend::cache_bytes;
    if constexpr (requires { Backend::divides; }) s.divides = Backend::divides;
    return s;
}

/// A box that travels, in the indices of the whole tensor.
struct message {
    int peer = 0;
    box what;
};

/// Where one summand of a box lies.
struct summand {
    enum class place { absent, received, here };

    place where = place::absent;
    int which = 0;  ///< received: of the exchange's receives; here: of the team's members
};

/// A box of a sum that is cut between ranks, and its summands in the order of the ranks.
struct cut_sum {
    box what;
    growing<summand> summands;
};

/// What a tensor's readers need and its owners hold: done before the first of those readers.
struct exchange {
    int tensor = -1;
    int before_step = -1;
    transition name = transition::nothing;
    growing<message> sends, receives;  ///< this rank's
    growing<cut_sum> sums;             ///< of an op::reduce, for which receives
    bool keeps = false;                ///< stay where they arrive
    layout taken{};                    ///< how its readers take the tensor
    /// Travels while rows are computed that others do not wait for, and that do not wait for others:
    /// started by the tensor's producer, awaited by `before_step`.
    bool overlapped = false;
};

/// This rank's part of one tensor.
struct tensor_part {
    box owned;          ///< what it computes
    box held;           ///< what its memory, or its team's, holds: owned, halos, padding; may reach
                        ///< beyond the image
    box inside;         ///< held without the padding
    dtype element = dtype::f32;
    long offset = 0;    ///< in bytes, into the arena: where its first channel begins
    long bytes = 0;     ///< of memory of its own
    long copy = 0;      ///< bytes of each member's own summands; 0: one memory for all
    int block = 1;      ///< channels side by side
    int images = 0;     ///< of a slice: its memory holds one slice after the other; 0: all
    int home = -1;      ///< the tensor in whose memory it lies
    int home_channel = 0;  ///< its first channel there
    bool is_home = false;  ///< whether others lie in it
};

/// This rank's part of one parameter.
struct parameter_part {
    box owned;  ///< in the parameter's own extents: n counts output channels, c inputs of a sum
    bool needed = false;  ///< whether a step that this rank computes takes it
};

/// This rank's part of one step.
struct step_part {
    box y;         ///< what it computes
    box x;         ///< what it reads for that, padding included
    int tile = 0;  ///< of a convolution computed by Winograd's filtering
    /// Of a sum over input channels that is cut: the channels that this rank sums. More than one
    /// where they are added up in a fixed tree, whose leaf `first_leaf` the first one is.
    growing<range> leaves;
    int first_leaf = 0;
    box early;  ///< of y: needs nothing of an overlapped exchange before the step
    bool sends_edges =
        false;  ///< messages of y take nothing of `early`: they leave before it is whole
    box late;   ///< of y: no overlapped exchange of y sends it
    bool in_place = false;  ///< y lies where it is to lie: nothing is run
    long flops = 0;
    traffic before;  ///< predicted, of the exchanges before it
};

/// Steps [first, end) that follow each other on some images before the next ones are begun.
struct slicing {
    int first = 0, end = 0;
    int images = 0;  ///< at a time
};

/// All of it.
struct part {
    setting of;
    growing<tensor_part> tensors;
    growing<step_part> steps;
    growing<parameter_part> parameters;
    growing<exchange> exchanges;  ///< in the order of their steps
    growing<slicing> slices;      ///< in the order of their steps
    long arena_bytes = 0;
    traffic predicted;  ///< of one forward

    /// How many images step i takes at most.
    constexpr int images_at_a_time(int i) const {
        for (const auto& s : slices) {
            if (s.first <= i && i < s.end) return s.images;
        }
        return of.batch;
    }

    /// As one sees it for whom another member of its team sends and receives.
    void leave_messages() {
        for (auto& e : exchanges) e.sends.clear(), e.receives.clear();
        for (auto& s : steps) s.before = {};
        predicted = {};
    }
};

/// Bytes of a box in a message: whole channel blocks, as they lie in memory.
constexpr long message_bytes(const box& b, const setting& s, dtype element) {
    return storage(b.extents(), s.block) * size_of(element);
}
/// The same of a tensor that no one sums up.
constexpr long message_bytes(const box& b, const setting& s) {
    return message_bytes(b, s, s.element);
}

}  // namespace mpar
