// SPDX-License-Identifier: MIT
// A graph that is made at run time, at work on the caller's communicator. Knows no model and no file.
#pragma once

#include <mpar/comm/mesh.hpp>
#include <mpar/io/checksum.hpp>
#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/net/automatic.hpp>
#include <mpar/net/graph/dynamic_graph.hpp>
#include <mpar/net/planned_network.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace mpar {

namespace detail {

/// A number that differs where two graphs compute different things.
[[gnu::cold]] inline std::uint64_t digest_of(const graph& net, const shape& image) {
    growing<long> all{image.n, image.c, image.h, image.w};
    const auto add_line = [&](const taps& t) {
        for (const int n : {t.kernel, t.stride, t.dilation, t.before, t.after}) all.push_back(n);
    };
    for (std::size_t i = 0; i < net.size(); ++i) {
        const operation& o = net[i].does;
        const index_map reads = index_map_of(o);
        for (const long n : {long(o.kind()), long(o.asks.how), long(o.asks.stage),
                             long(o.act.which), long(reads.channels), long(reads.shift)}) {
            all.push_back(n);
        }
        add_line(reads.window.h);
        add_line(reads.window.w);
        if (net.inputs(i).empty()) {
            const shape s = output_shape(o, shapes{});
            for (const int n : {s.n, s.c, s.h, s.w}) all.push_back(n);
        }
        if (has_filters(o)) {
            const filters& f = filters_of(o);
            for (const int n : {f.in, f.out, f.groups, int(f.bias)}) all.push_back(n);
        }
        for (const int v : net.inputs(i)) all.push_back(v);
    }
    return io::checksum(std::as_bytes(std::span(all)));
}

}  // namespace detail

/// A network whose net is a value: the same plan and the same bits as network<Net> of an equal net, and
/// no compiler where it runs. Operations of a user's own (is_of_net) are for types alone.
template <backend_type Backend = backend::cpu, class T = float>
class dynamic_network : public planned_network<Backend, T> {
    using base = planned_network<Backend, T>;

public:
    /// `net` on one image of extents `image` ([1, C, H, W]), its first input; `given`: what each rank
    /// passes of it, and of further inputs.
    /// collective. throws, the same on every rank: error(usage) when the net is wrong, a layer cannot
    /// be asked so, or the ranks were given different nets or options; error(mpi); error(device).
    dynamic_network(MPI_Comm theirs, dynamic_graph net, const shape& image, const options& o = {},
                    const placing& given = policy::none)
        : dynamic_network(communicator(theirs, base::deadline_of(o)),
                          std::make_shared<const dynamic_graph>(std::move(net)), image, o, given) {}

private:
    using owned_graph = std::shared_ptr<const dynamic_graph>;

    dynamic_network(communicator&& comm, owned_graph&& net, const shape& image, const options& o,
                    const placing& given)
        : dynamic_network(std::move(comm), std::move(net), image, on_mesh(comm, o), given,
                          nullptr) {}
    /// `all` are the options after all ranks have agreed on them.
    dynamic_network(communicator&& comm, owned_graph&& net, const shape& image, const options& all,
                    const placing& given, std::nullptr_t)
        : base(std::move(comm), made(comm, std::move(net), image, all, given), all, {}) {}

    static options on_mesh(communicator& comm, options o) {
        require_sensible(comm, o);
        o.data = require_mesh<mesh<>>(comm.size(), o.data);
        return o;
    }
    static plan_at_hand made(communicator& comm, owned_graph&& net, const shape& image,
                             const options& o, const placing& given) {
        const graph g = net->view();
        agree_on(comm, detail::digest_of(g, image), fault::usage,
                 "mpar: the ranks were given different nets");
        for (const node& n : g) {
            if (traits_of(n.does).is_of_net) {
                throw error(fault::usage, "mpar: " + std::string(n.does.name) +
                                              " is a layer of a net's type: a net that is made at "
                                              "run time cannot have it");
            }
        }
        auto l = lowered_by_choice<Backend, T>(comm, o, g, image, given);
        if (!l) {
            const auto each = unplanned(g);
            l = lowered_soundly(g, image, given, std::span<const placing>(each));
        }
        return {std::move(l), {}, std::move(net)};
    }
};

}  // namespace mpar
