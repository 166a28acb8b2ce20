// SPDX-License-Identifier: MIT
// Ranks that work as teams in one memory, and threads, give one rank's bits.
// ranks: 1 2 3 4
// timeout: 300
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/random_graph.hpp"
#include "support/run_graph.hpp"

#include <mpar/kernels/cpu/backend.hpp>

#include <cstring>

using namespace mpar;
using mpar_test::run_graph;

namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

int ranks() {
    int size = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size;
}

}  // namespace

TEST_CASE("random nets on teams of any size") {
    for (int seed = 0; seed < mpar_test::effort(15); ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 2000u);
        const int batch = 1 + seed % 3;
        INFO("seed " << seed << ", batch " << batch << ": " << net.text());
        const auto alone = run_graph<backend::cpu, float>(MPI_COMM_SELF, net.lower(),
                                                         {.batch = batch});
        for (const int size : {0, 2, 3}) {
            if (size >= ranks()) continue;
            for (const auto asked : {policy::none, policy::rows, policy::output, policy::tiles}) {
                for (const auto how : {teaming::claim, teaming::static_}) {
                    INFO(name_of(how) << ", teams of " << size << ", policy " << name_of(asked));
                    const auto together = run_graph<backend::cpu, float>(
                        MPI_COMM_WORLD, net.lower(asked),
                        {.batch = batch, .team = how, .team_size = size});
                    CHECK(same_bits(together.values, alone.values));
                    CHECK(together.measured == together.predicted);
                    if (size == 0) CHECK(together.measured == traffic{});
                }
            }
        }
    }
}

TEST_CASE("sums that are cut between the ranks of teams") {
    for (int seed = 0; seed < mpar_test::effort(8); ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 4000u, true);
        INFO("seed " << seed << ": " << net.text());
        for (const auto asked : {std::optional<policy>{}, std::optional(policy::input),
                                 std::optional(policy::grid)}) {
            const auto alone = run_graph<backend::cpu, float>(MPI_COMM_SELF, net.lower(asked),
                                                             {.reproducible = true});
            for (const int size : {0, 2, 3}) {
                if (size >= ranks()) continue;
                for (const auto how : {teaming::claim, teaming::static_}) {
                    INFO(name_of(how) << ", teams of " << size);
                    const auto together = run_graph<backend::cpu, float>(
                        MPI_COMM_WORLD, net.lower(asked),
                        {.team = how, .team_size = size, .threads = 2, .reproducible = true});
                    CHECK(same_bits(together.values, alone.values));
                    CHECK(together.measured == together.predicted);
                }
            }
        }
    }
}

TEST_CASE("threads of a rank") {
    for (int seed = 0; seed < mpar_test::effort(10); ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 3000u);
        INFO("seed " << seed << ": " << net.text());
        const auto alone = run_graph<backend::cpu, float>(MPI_COMM_SELF, net.lower(), {});
        const auto threads = run_graph<backend::cpu, float>(MPI_COMM_WORLD, net.lower(),
                                                           {.threads = 2});
        const auto both = run_graph<backend::cpu, float>(
            MPI_COMM_WORLD, net.lower(), {.team = teaming::claim, .threads = 3});
        CHECK(same_bits(threads.values, alone.values));
        CHECK(same_bits(both.values, alone.values));
    }
}

TEST_CASE("inputs that come in parts to teams") {
    for (int seed = 0; seed < mpar_test::effort(6); ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 9000u);
        INFO("seed " << seed << ": " << net.text());
        const auto alone = run_graph<backend::cpu, float>(MPI_COMM_SELF, net.lower(), {.batch = 3});
        for (const auto given : {policy::rows, policy::batch, policy::output}) {
            const lowered l = lower(net.view(), net.input(), given);
            for (const int size : {0, 2}) {
                for (const auto how : {teaming::claim, teaming::static_}) {
                    const auto together = run_graph<backend::cpu, float>(
                        MPI_COMM_WORLD, l, {.batch = 3, .team = how, .team_size = size});
                    CHECK(same_bits(together.values, alone.values));
                }
            }
        }
    }
}
