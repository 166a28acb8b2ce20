// SPDX-License-Identifier: MIT
// A net's type, a mesh and a backend on the caller's communicator. Knows no model and no file.
#pragma once

#include <mpar/comm/mesh.hpp>
#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/net/functions.hpp>
#include <mpar/net/plan/static_plan.hpp>
#include <mpar/net/planned_network.hpp>
#include <mpar/net/run/options.hpp>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace mpar {

namespace detail {

/// Stands in place of what is no net, so that the compiler says one error and no more.
struct no_net {
    using input = image<1, 1, 1>;
    using layers = chain<>;
};
template <class Written>
using net_or_none = std::conditional_t<network_type<Written>, Written, no_net>;

}  // namespace detail

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
/// Written: a struct with `using input = image<...>;` and `using layers = chain<...>;`.
/// Mesh: mesh<axis::model<4>> (checked against the communicator, each step specialised) or mesh<>
/// (any number of ranks, the policy may be overridden). Backend: backend::cpu, backend::reference or
/// one that satisfies backend_type. T: float or double. Works on a duplicate of the communicator,
/// prints nothing, needs MPI_THREAD_FUNNELED, starts no thread.
template <class Written, class Mesh = mesh<>, backend_type Backend = backend::cpu,
          class T = float>
class network : public planned_network<Backend, T> {
    using base = planned_network<Backend, T>;
    static_assert(network_type<Written>,
                  "mpar: a net says what it takes: using input = image<channels, height, width>; and of "
                  "what it is made: using layers = chain<...>;");
    using Net = detail::net_or_none<Written>;

public:
    static_assert(detail::accepted<Net>());
    static_assert(Mesh::model::ranks != 0);

    /// collective. throws, the same on every rank: error(usage) when the communicator is not the
    /// mesh, the ranks were given different options, or a layer cannot be asked so; error(mpi);
    /// error(device).
    explicit network(MPI_Comm theirs, const options& o = {})
        : network(communicator(theirs, base::deadline_of(o)), o) {}

private:
    network(communicator&& comm, const options& o)
        : network(std::move(comm), on_mesh(comm, o), nullptr) {}
    /// `all` are the options after all ranks have agreed on them.
    network(communicator&& comm, const options& all, std::nullptr_t)
        : base(std::move(comm), made(comm, all), all, functions_of<Net, Mesh, Backend, T>()) {}

    /// The options with what the mesh's type says, after all ranks have agreed on them.
    static options on_mesh(communicator& comm, options o) {
        require_sensible(comm, o);
        o.data = require_mesh<Mesh>(comm.size(), o.data);
        if (Mesh::model::second) o.second = Mesh::model::second;
        return o;
    }

    /// The plan that an override asks for or a planner has found; otherwise the constant one.
    static plan_at_hand made(communicator& comm, const options& o) {
        plan_at_hand p{.own = {}, .constant = plan_on<Net, Mesh, Backend, T>};
        if constexpr (Mesh::is_static) {
            const bool own = !o.asked || *o.asked == policy::follow;
            if (!own || !o.placed.empty()) {
                throw error(fault::usage, "mpar: a static mesh has the layers' own policies, not " +
                                              std::string(own ? "others" : name_of(*o.asked)) +
                                              " for all");
            }
        } else {
            p.own = lowered_by_choice<Backend, T>(comm, o, graph_of<Net>, Net::input::extents,
                                                  Net::input::given);
        }
        return p;
    }
};

}  // namespace mpar
