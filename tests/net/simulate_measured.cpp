// SPDX-License-Identifier: MIT
// What a simulation counts is what the ranks of a job send: bytes and messages of each, all policies.
// ranks: 2 3 4
// timeout: 200
// sanitize: no
#include "support/catch.hpp"

#include <mpar/models/resnet.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>
#include <mpar/net/simulate/simulate.hpp>

#include <string>

using namespace mpar;

TEST_CASE("bytes and messages of a forward are the simulated ones, on every rank") {
    for (const policy p : {policy::none, policy::batch, policy::rows, policy::cols, policy::tiles,
                           policy::output, policy::input, policy::grid}) {
        options o;
        o.batch = 2;
        o.asked = p;
        o.team = teaming::off;
        network<resnet18> net(MPI_COMM_WORLD, o);
        load_seeded(net);
        const auto shape = net.input_box().extents();
        net.forward(std::vector<float>(std::size_t(shape.count()), 0.5f));
        const auto simulated = simulate(net.steps(), net.mine().of, cluster_of({}, net.ranks()));
        INFO(name_of(p) << " on rank " << net.rank() << " of " << net.ranks());
        CHECK(net.measured() == simulated.sums[std::size_t(net.rank())]);
        CHECK((net.measured() == traffic{}) == (p == policy::none));
    }
}
