// SPDX-License-Identifier: MIT
// What a network does once its net is a plan, however it was written. Knows no net's type.
#pragma once

#include <mpar/net/functions.hpp>
#include <mpar/net/plan/lower.hpp>
#include <mpar/net/run/engine.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mpar {

/// The plan of a network, wherever it lies.
struct plan_at_hand {
    std::optional<lowered> own;            ///< made for this network, or
    plan constant;                         ///< one that is there for good
    std::shared_ptr<const void> keeper{};  ///< has the names that a plan made at run time refers to

    plan view() const { return own ? own->view() : constant; }
};

/// Inference on the ranks of a communicator: see network and dynamic_network, which make the plan.
/// Movable; one that was moved from throws error(usage) until it is assigned to.
template <class Backend, class T>
class planned_network {
public:
    using element = T;
    using device = Backend;

    planned_network(planned_network&&) = default;
    planned_network& operator=(planned_network&& other) noexcept {
        engine_ = std::move(other.engine_);  // the old one ends before its plan does
        plan_ = std::move(other.plan_);
        functions_ = other.functions_;
        note_ = std::move(other.note_);
        return *this;
    }

    /// The logits of `images`. Views of the backend's memory: images [n, C, H, W] as input_box()
    /// says, y [N, classes, 1, 1] whole on every rank. collective.
    /// throws: error(usage) when extents differ or weights are missing; error(no_progress);
    /// error(mpi).
    void forward(const view<const T>& images, const view<T>& y) {
        running().forward(images, y, functions_);
    }

    /// The same of a net with several inputs and outputs, in the order in which its graph has them.
    void forward(std::span<const view<const T>> inputs, std::span<const view<T>> outputs) {
        running().forward(inputs.data(), inputs.size(), outputs.data(), outputs.size(), functions_);
    }

    /// Takes and gives dense NCHW values in host memory, and is otherwise the same.
    std::vector<T> forward(const std::vector<T>& images) {
        static_assert(std::same_as<typename Backend::memory, host_memory>,
                      "mpar: this backend's memory is not the host's: pass views of its own");
        const shape in = input_box().extents();
        if (images.size() != std::size_t(in.count())) {
            throw error(fault::usage, "mpar: " + std::to_string(images.size()) +
                                          " values given, the network takes " +
                                          std::to_string(in.count()));
        }
        std::vector<T> y(std::size_t(output_shape().count()));
        forward(dense_view(images.data(), in), dense_view(y.data(), output_shape()));
        return y;
    }

    /// Loads this rank's share of the weights; see models/load.hpp for files. collective.
    void load(const parameter_reader<T>& read) { running().load(read); }
    /// Loads what packed() gave in a run whose made_by() was equal to this one's.
    void load(const packed_weights& from) { running().load(from); }
    /// load(), and the unpacked values are kept, so that they can be changed. collective.
    void store(const parameter_reader<T>& read) { running().store(read); }
    /// This rank's unpacked parameters, which it shares with sharers(); nullptr: load() kept none.
    const stored_parameters<Backend, T>* kept() const { return running().kept(); }
    /// Weights are from now on what kept() has on all ranks. collective. throws: error(usage) when
    /// none are kept; as load().
    void pack() { running().pack(); }
    /// All packed weights of this rank: in host memory where they lie, else a copy. requires: loaded.
    packed_weights packed() { return running().packed(); }
    /// Everything that decides the bytes of packed(), besides the values of the weights.
    recipe made_by() const { return running().made_by(); }

    /// Gives up the weights that are there: forward() refuses until the next load().
    void unload() { running().unload(); }

    /// The plan, and the part of it that this rank does.
    const plan& steps() const { return running().steps(); }
    const part& mine() const { return running().mine(); }

    int rank() const { return running().comm().rank(); }
    int ranks() const { return running().comm().size(); }
    /// What this rank passes of input i, in the indices of the whole batch, and the extents of output i.
    const box& input_box(int i = 0) const { return running().input_box(i); }
    shape output_shape(int i = 0) const { return running().output_shape(i); }
    int inputs() const { return steps().inputs(); }
    int outputs() const { return steps().outputs(); }

    /// Bytes and messages: predicted for one forward, and measured over all forwards so far.
    traffic predicted() const { return running().predicted(); }
    traffic measured() const { return running().measured(); }

    /// Bytes of memory for weights and for activations; a team's common memory is its first rank's.
    std::size_t weights_bytes() const { return running().weights_bytes(); }
    std::size_t activations_bytes() const { return running().activations_bytes(); }
    /// Why the ranks of a node do not work together as options ask, in words; empty: they do.
    const std::string& note() const { return note_.empty() ? running().note() : note_; }

    /// The ranks that have one copy of the weights with this one.
    const team& sharers() const { return running().sharers(); }

    /// The library's own communicator, for agreement among the ranks that run this network.
    communicator& comm() { return running().comm(); }

protected:
    planned_network(communicator&& comm, plan_at_hand&& p, const options& o,
                    const net_functions<Backend, T>& functions)
        : plan_(std::move(p)),
          engine_(made(std::make_shared<communicator>(std::move(comm)), o)),
          functions_(functions) {}

    /// A deadline that cannot be is refused by all ranks together, later: see require_sensible.
    static seconds deadline_of(const options& o) {
        return seconds(o.deadline > 0 ? o.deadline : options{}.deadline);
    }

private:
    /// throws: error(usage) when the network was moved from.
    engine<Backend, T>& running() const {
        if (engine_) return *engine_;
        throw error(fault::usage,
                    "mpar: the network was moved from: it can only be assigned to or destroyed");
    }

    /// An engine of teams or, where they cannot have so much memory in common, one without. collective.
    [[gnu::cold]] std::unique_ptr<engine<Backend, T>> made(std::shared_ptr<communicator> comm,
                                                           options o) {
        try {
            return std::make_unique<engine<Backend, T>>(comm, plan_.view(), o);
        } catch (const error& e) {  // the same on all ranks
            if (e.kind() != fault::device || o.team == teaming::off || comm->size() == 1) throw;
            constexpr std::size_t prefix = 6;  // "mpar: "
            note_ = "the ranks work without teams: " + std::string(e.what()).substr(prefix);
        }
        o.team = teaming::off;
        return std::make_unique<engine<Backend, T>>(std::move(comm), plan_.view(), o);
    }

    plan_at_hand plan_;
    std::string note_;
    std::unique_ptr<engine<Backend, T>> engine_;
    net_functions<Backend, T> functions_;
};

}  // namespace mpar
