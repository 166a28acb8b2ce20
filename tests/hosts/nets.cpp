// SPDX-License-Identifier: MIT
// Run by two_hosts.sh: teams end where the memory does, nets give one rank's bits across hosts.
#include "support/catch.hpp"
#include "support/random_graph.hpp"
#include "support/run_graph.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/graph/walk.hpp>

#include <cstring>

using namespace mpar;
using mpar_test::run_graph;

namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("a team is what one host has of the ranks") {
    communicator comm(MPI_COMM_WORLD);
    REQUIRE(comm.size() % 2 == 0);
    team t(comm, teaming::claim);
    CHECK(t.members() == comm.size() / 2);
    CHECK(t.seats() == 2);
    team fixed(comm, teaming::static_);
    CHECK(fixed.seats() == comm.size());
    if (comm.size() > 2) CHECK(fixed.first_seats().size() == 2);
}

TEST_CASE("random nets across hosts: the same bits, bytes as predicted") {
    for (int seed = 0; seed < 6; ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 4000u);
        INFO("seed " << seed << ": " << net.text());
        const auto alone = run_graph<backend::cpu, float>(MPI_COMM_SELF, net.lower(), {.batch = 2});
        for (const auto how : {teaming::off, teaming::claim, teaming::static_}) {
            for (const auto asked : {policy::rows, policy::output}) {
                INFO(name_of(how) << ", policy " << name_of(asked));
                const auto together = run_graph<backend::cpu, float>(
                    MPI_COMM_WORLD, net.lower(asked), {.batch = 2, .team = how});
                CHECK(same_bits(together.values, alone.values));
                CHECK(together.measured == together.predicted);
            }
        }
    }
}

TEST_CASE("resnet18 by rows across hosts: halos travel under the inner rows") {
    const lowered net =
        lower(graph_of<resnet18>, resnet18::input::extents, policy::none, policy::rows);
    const auto alone = run_graph<backend::cpu, float>(MPI_COMM_SELF, net, {});
    const auto together = run_graph<backend::cpu, float>(MPI_COMM_WORLD, net, {});
    CHECK(same_bits(together.values, alone.values));
    CHECK(together.measured == together.predicted);
}
