// SPDX-License-Identifier: MIT
// Networks of random nets' types beside networks of the same nets made at run time. Knows no seed.
#pragma once

#include "support/catch.hpp"
#include "support/drafted_graph.hpp"
#include "support/oracle.hpp"
#include "support/random_net.hpp"
#include "support/same_plan.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/net/describe.hpp>
#include <mpar/net/dynamic_network.hpp>
#include <mpar/net/network.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mpar_test {

/// A network whose net's type is forgotten: what runs is compiled once for all nets.
using any_network = mpar::planned_network<mpar::backend::cpu, float>;

/// A net and who makes a network of its type.
struct random_case {
    unsigned seed;
    const draft* net;
    any_network (*of_type)(MPI_Comm comm, const mpar::options& how);
};

template <unsigned Seed>
any_network network_of_type(MPI_Comm comm, const mpar::options& how) {
    return mpar::network<random_net<Seed>>(comm, how);
}
/// The nets of so many seeds that follow each other.
template <unsigned First, unsigned Count>
std::array<random_case, Count> random_cases() {
    return []<unsigned... I>(std::integer_sequence<unsigned, I...>) {
        return std::array<random_case, Count>{
            {{First + I, &draft_of<First + I>, &network_of_type<First + I>}...}};
    }
    (std::make_integer_sequence<unsigned, Count>{});
}

inline constexpr std::array policies_for_all{
    mpar::policy::none,  mpar::policy::batch,    mpar::policy::rows,  mpar::policy::cols,
    mpar::policy::tiles, mpar::policy::output,   mpar::policy::input, mpar::policy::grid,
    mpar::policy::stage, mpar::policy::automatic};

/// Ways to run a net: by its layers' own policies without and with teams, then by `others` policies
/// in their place, those of one seed beginning where those of the seed before end.
inline std::vector<mpar::options> ways(unsigned seed, unsigned others) {
    using mpar::teaming;
    int ranks = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    const mpar::options own{.batch = 1 + int(seed % 3), .team = teaming::off};
    std::vector<mpar::options> all(2 + others, own);
    all[1].team = seed % 2 ? teaming::claim : teaming::static_;
    for (unsigned i = 0; i < others; ++i) {
        mpar::options& o = all[2 + i];
        o.asked = policies_for_all[(seed * others + i) % policies_for_all.size()];
        o.data = ranks % 2 == 0 && (seed + i) % 4 == 0 ? 2 : 1;
        o.exact = (seed + i) % 5 == 0;
        o.reproducible = (seed + i) % 3 == 0;
    }
    return all;
}

/// The plan as a table in which nothing has a name: readers of files have names of their own.
inline std::string nameless_table(const any_network& net) {
    std::vector<mpar::step> steps(net.steps().steps.begin(), net.steps().steps.end());
    for (auto& s : steps) s.what.name = {};
    const mpar::plan p{steps, net.steps().tensors, net.steps().parameters};
    const mpar::machine on = mpar::machine_for<any_network::device>({});
    const mpar::forecast cost = mpar::forecast_of(p, net.mine().of, on);
    return mpar::describe(p, net.mine(), {&cost, {}, {}});
}

/// One forward of a seeded batch with seeded weights, whose names are the layers' numbers.
inline std::vector<float> forward_seeded(any_network& net, int batch) {
    int layers = 0;
    for (const auto& q : net.steps().parameters) layers = std::max(layers, q.layer + 1);
    std::vector<std::string> names;
    for (int i = 0; i < layers; ++i) names.push_back("layer " + std::to_string(i));
    mpar::load_seeded(net, names);

    mpar::shape all = net.steps().input().extents;
    all.n = batch;
    const std::int64_t extents[] = {all.n, all.c, all.h, all.w};
    const auto images = mpar::io::seeded_values<float>("input", extents);
    std::vector<float> y(std::size_t(net.output_shape().count()));
    net.forward(mpar::dense_view(images.data(), all).part(net.input_box()),
                mpar::dense_view(y.data(), net.output_shape()));
    return y;
}

/// The type's and the graph's network: one plan, one place in memory, the same bytes and bits. Of
/// every second net the graph has no nodes for what does nothing. collective.
inline void check_equal(const random_case& c, const mpar::options& how) {
    const bool keeps_all = c.seed % 2;
    any_network typed = c.of_type(MPI_COMM_WORLD, how);
    mpar::dynamic_network<> made(MPI_COMM_WORLD, graph_maker(*c.net, keeps_all).run(), c.net->input,
                                 how, c.net->given);
    CHECK(difference(typed.steps(), made.steps(), keeps_all) == "");
    CHECK(nameless_table(typed) == nameless_table(made));
    CHECK(typed.input_box() == made.input_box());
    CHECK(typed.predicted() == made.predicted());
    CHECK(same_bits(forward_seeded(typed, how.batch), forward_seeded(made, how.batch)));
    CHECK(typed.weights_bytes() == made.weights_bytes());
    CHECK(typed.activations_bytes() == made.activations_bytes());
    CHECK(typed.measured() == made.measured());
    CHECK(typed.measured() == typed.predicted());
}

/// One net in all these ways.
inline void check_equal_in(const random_case& c, unsigned other_policies) {
    for (const auto& how : ways(c.seed, other_policies)) {
        INFO("seed " << c.seed << ", policy " << (how.asked ? name_of(*how.asked) : "own")
                     << ", team " << name_of(how.team) << ", batch " << how.batch << ", data axis "
                     << how.data << (how.exact ? ", exact" : "")
                     << (how.reproducible ? ", reproducible" : ""));
        check_equal(c, how);
    }
}

}  // namespace mpar_test
