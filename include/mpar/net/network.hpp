// SPDX-License-Identifier: MIT
// A net's type, a mesh and a backend on the caller's communicator. Knows no model and no file.
#pragma once

#include <mpar/comm/mesh.hpp>
#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/net/run/engine.hpp>
#include <mpar/net/functions.hpp>
#include <mpar/net/run/options.hpp>
#include <mpar/net/choose/stages.hpp>
#include <mpar/net/plan/static_plan.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <vector>

namespace mpar {

/// A network on the ranks of a communicator: inference, the same bits on any number of them.
///
/// How an image becomes logits on four ranks:
/// 1. Net, a type, is a graph of operations (graph/), lowered once into a plan: steps, layouts,
///    fusions (plan/). All ranks have the same one.
/// 2. Each rank works out its part (geometry.hpp, partition.hpp): the box of each tensor that it
///    computes, the box that it reads, and so what travels: whatever one owns and another reads.
/// 3. forward() copies what this rank reads of the image, then runs the steps (run/executor.hpp): what is
///    missing of x arrives, y's padding becomes zero, the backend's kernel computes this rank's part.
/// 4. The last step reads the logits whole, so they arrive on every rank.
///
/// Mesh: mesh<axis::model<4>> (checked against the communicator, each step specialised) or mesh<>
/// (any number of ranks, the policy may be overridden). Backend: backend::cpu, backend::reference or
/// one that satisfies backend_type. T: float or double. Works on a duplicate of the communicator,
/// prints nothing, needs MPI_THREAD_FUNNELED, starts no thread.
template <network_type Net, class Mesh = mesh<>, backend_type Backend = backend::cpu,
          class T = float>
class network {
public:
    using element = T;
    using device = Backend;
    static_assert(detail::accepted<Net>());
    static_assert(Mesh::model::ranks != 0);

    /// collective. throws, the same on every rank: error(usage) when the communicator is not the
    /// mesh, the ranks were given different options, or a layer cannot be asked so; error(mpi);
    /// error(device).
    explicit network(MPI_Comm theirs, const options& o = {})
        : network(communicator(theirs, deadline_of(o)), o) {}

    /// The logits of `images`. Views of the backend's memory: images [n, C, H, W] as input_box()
    /// says, y [N, classes, 1, 1] whole on every rank. collective.
    /// throws: error(usage) when extents differ or weights are missing; error(no_progress);
    /// error(mpi).
    void forward(const view<const T>& images, const view<T>& y) {
        engine_.forward(images, y, functions_of<Net, Mesh, Backend, T>());
    }

    /// The same with dense NCHW values in host memory.
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
    void load(const parameter_reader<T>& read) { engine_.load(read); }
    /// The same with what packed() gave in a run whose made_by() was this one's.
    void load(const packed_weights& from) { engine_.load(from); }
    packed_weights packed() { return engine_.packed(); }
    recipe made_by() const { return engine_.made_by(); }

    /// Gives up the weights that are there: forward() refuses until the next load().
    void unload() { engine_.unload(); }

    /// What a plan says, and what this rank does of it.
    const plan& steps() const { return engine_.steps(); }
    const part& mine() const { return engine_.mine(); }

    int rank() const { return engine_.comm().rank(); }
    int ranks() const { return engine_.comm().size(); }
    const box& input_box() const { return engine_.input_box(); }
    shape output_shape() const { return engine_.output_shape(); }

    /// Bytes and messages: of one forward as predicted, of all so far as measured.
    traffic predicted() const { return engine_.predicted(); }
    traffic measured() const { return engine_.measured(); }

    std::size_t weights_bytes() const { return engine_.weights_bytes(); }
    std::size_t activations_bytes() const { return engine_.activations_bytes(); }

    /// The ranks that have one copy of the weights with this one.
    const team& sharers() const { return engine_.sharers(); }

    /// The library's own communicator, for agreement among the ranks that run this network.
    communicator& comm() { return engine_.comm(); }

private:
    network(communicator&& comm, const options& o)
        : network(std::move(comm), on_mesh(comm, o), nullptr) {}
    network(communicator&& comm, const options& all, std::nullptr_t)
        : overridden_(made(comm, all)),
          engine_(std::move(comm),
                  overridden_ ? overridden_->view() : plan_on<Net, Mesh, Backend, T>, all) {}

    /// The options with what the mesh's type says, after all ranks have agreed on them.
    static options on_mesh(communicator& comm, options o) {
        require_sensible(comm, o);
        o.data = require_mesh<Mesh>(comm.size(), o.data);
        if (Mesh::model::second) o.second = Mesh::model::second;
        return o;
    }

    /// One that cannot be is refused when the ranks have met, by all of them: require_sensible.
    static seconds deadline_of(const options& o) {
        return seconds(o.deadline > 0 ? o.deadline : options{}.deadline);
    }

    /// The plan of an override, or that a planner has found.
    static std::optional<lowered> made(communicator& comm, const options& o) {
        const bool own = !o.asked || *o.asked == policy::follow;
        if (Mesh::is_static && (!own || !o.placed.empty())) {
            throw error(fault::usage, "mpar: a static mesh has the layers' own policies, not " +
                                          std::string(own ? "others" : name_of(*o.asked)) +
                                          " for all");
        }
        if (!Mesh::is_static) {
            if (auto l = lowered_by_choice<Net, Backend, T>(comm, o)) return l;
        }
        if (own) return {};
        const auto with = [](const choice& chosen) {
            lowered l = lower(graph_of<Net>, Net::input::extents, Net::input::given, chosen);
            if (l.wrong) throw error(fault::usage, sentence(l.wrong));
            return l;
        };
        if (*o.asked != policy::stage) return with(*o.asked);
        const int model = comm.size() / o.data;
        return with(
            std::span<const placing>(balanced_stages(graph_of<Net>, Net::input::extents, model)));
    }

    std::optional<lowered> overridden_;
    engine<Backend, T> engine_;
};

}  // namespace mpar
