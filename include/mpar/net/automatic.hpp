// SPDX-License-Identifier: MIT
// Who calls the planner for a net's type: the compiler for a static mesh, all ranks together for a
// dynamic one. Knows no layer.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/io/checksum.hpp>
#include <mpar/net/choose/planner.hpp>
#include <mpar/net/choose/stages.hpp>
#include <mpar/net/plan/static_plan.hpp>
#include <mpar/net/run/options.hpp>
#include <mpar/net/run/workers.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <span>
#include <string>

namespace mpar {

namespace detail {

/// What a static mesh is planned for: its own machine, where it has a `static constexpr machine on`.
template <class Mesh, class Backend>
constexpr machine machine_of() {
    if constexpr (requires { Mesh::on; }) {
        return Mesh::on;
    } else {
        return machine_for<Backend>({});
    }
}

/// The setting of a static mesh: one image at a time, and each rank has a seat of its own.
template <class Mesh, class Backend, class T>
constexpr planning static_planning() {
    planning how;
    constexpr int data = Mesh::data::ranks;
    how.on = setting_on<Backend, T>({0, data * Mesh::model::ranks, data, Mesh::model::second}, 1);
    how.of = machine_of<Mesh, Backend>();
    return how;
}

template <class Net, class Mesh, class Backend, class T>
consteval auto plan_net() {
    const planned found = plan_for(graph_of<Net>, Net::input::extents, Net::input::given,
                                   static_planning<Mesh, Backend, T>());
    std::array<placing, graph_of<Net>.size()> each{};
    std::copy(found.each.begin(), found.each.end(), each.begin());
    return each;
}

template <class Net, class Mesh, class Backend, class T>
inline constexpr auto placings_on = plan_net<Net, Mesh, Backend, T>();

/// A net's plan with what the planner has found for a mesh.
template <class Net, class Mesh, class Backend, class T>
struct planned_plan {
    static constexpr lowered make() {
        return lower(graph_of<Net>, Net::input::extents, Net::input::given,
                     std::span<const placing>(placings_on<Net, Mesh, Backend, T>));
    }
};

template <class Net, class Mesh, class Backend, class T>
consteval plan find_plan() {
    if constexpr (Mesh::is_static && asks_for_plan(graph_of<Net>)) {
        return fixed_plan_of<planned_plan<Net, Mesh, Backend, T>>.view();
    } else {
        return plan_of<Net>;
    }
}

/// A number that differs where the machine's constants or the placings differ.
inline std::uint64_t digest_of(const machine& m, std::span<const placing> each) {
    growing<double> values{m.step,          m.node.alpha,   m.node.beta,
                           m.network.alpha, m.network.beta, double(m.ranks_per_node)};
    for (const rate& r : m.rates) {
        for (const double value : {r.flop, r.tensor, r.weight}) values.push_back(value);
    }
    for (const placing& p : each) {
        values.push_back(double(int(p.how)));
        values.push_back(double(p.stage));
    }
    return io::checksum(std::as_bytes(std::span(values)));
}

/// Plans a net on all ranks together, for the seats that an engine will give them. collective.
template <class Backend, class T>
[[gnu::cold]] planned plan_together(communicator& comm, const options& o, const graph& net,
                                    const shape& input, const placing& given, bool all) {
    const team with(comm, works_in_teams<Backend> ? o.team : teaming::off, o.team_size);
    const team node(comm, teaming::fixed);
    planning how;
    const int second = with.seats() == comm.size() ? o.second : 0;
    how.on = setting_on<Backend, T>({with.seat(), with.seats(), o.data, second}, o.batch, o.exact);
    how.on.first_seats = with.first_seats();
    how.on.reproducible = o.reproducible;
    how.of = machine_for<Backend>(o.planned_on);
    const int here = int(all_reduce(comm, node.members(), MPI_MIN));
    how.of.ranks_per_node =
        with.how() == teaming::claim ? std::max(1, here / with.members()) : here;
    how.all = all;
    how.sums = !o.reproducible;
    return plan_for(net, input, given, how);
}

}  // namespace detail

/// The plan of a net on a mesh: with its layers' own policies, and where they ask for
/// shard::automatic and the mesh is static, with those that the planner has found while compiling.
template <class Net, class Mesh, class Backend, class T>
inline constexpr plan plan_on = detail::find_plan<Net, Mesh, Backend, T>();

/// The plan of a net in which `chosen` stands in place of the layers' own policies.
/// throws: error(usage), in words, when the net is wrong.
[[gnu::cold]] inline lowered lowered_soundly(const graph& net, const shape& input,
                                             const placing& given, const choice& chosen) {
    lowered l = lower(net, input, given, chosen);
    if (l.wrong) throw error(fault::usage, sentence(l.wrong));
    return l;
}

/// The plan that options or the layers leave to the planner, to a list, or to one policy for all;
/// nothing where the layers' own policies hold. collective. throws: error(usage), the same on every
/// rank.
template <class Backend, class T>
[[gnu::cold]] std::optional<lowered> lowered_by_choice(communicator& comm, const options& o,
                                                       const graph& net, const shape& input,
                                                       const placing& given) {
    const bool all = o.asked == policy::automatic;
    const bool plans = all || (!o.asked && asks_for_plan(net));
    agree_on(comm, detail::digest_of(machine_for<Backend>(o.planned_on), o.placed), fault::usage,
             "mpar: the ranks were given different machines or policies");
    if (!o.placed.empty() && o.placed.size() != net.size()) {
        throw error(fault::usage, "mpar: " + std::to_string(o.placed.size()) +
                                      " policies given, the net has " + std::to_string(net.size()) +
                                      " nodes");
    }
    growing<placing> each(o.placed);
    if (each.empty() && plans) {
        planned found = detail::plan_together<Backend, T>(comm, o, net, input, given, all);
        if (found.wrong) throw error(fault::usage, sentence(found.wrong));
        each = std::move(found.each);
    } else if (each.empty()) {
        if (!o.asked || *o.asked == policy::follow) return {};
        if (*o.asked != policy::stage) return lowered_soundly(net, input, given, *o.asked);
        if (const lowered l = lower(net, input, given, policy::none); l.wrong) {
            throw error(fault::usage, sentence(l.wrong));  // stages are divided by its shapes
        }
        each = balanced_stages(net, input, comm.size() / o.data);
    }
    return lowered_soundly(net, input, given, std::span<const placing>(each));
}

}  // namespace mpar
