// SPDX-License-Identifier: MIT
// A data axis beside the model axis, model axes of two dimensions, and pipelines: one rank's bits.
// ranks: 1 2 3 4 6
// timeout: 300
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/random_graph.hpp"
#include "support/run_graph.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/net/choose/stages.hpp>

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

/// On all ranks as on one; bytes and messages as predicted.
void check(const lowered& net, const options& how, const std::vector<float>& alone) {
    const auto together = run_graph<backend::cpu, float>(MPI_COMM_WORLD, net, how);
    CHECK(same_bits(together.values, alone));
    CHECK(together.measured == together.predicted);
}

}  // namespace

TEST_CASE("a data axis of any extent beside the model axis") {
    for (int seed = 0; seed < mpar_test::effort(8); ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 30000u);
        const int batch = 1 + seed % 4;
        INFO("seed " << seed << ", batch " << batch << ": " << net.text());
        const auto alone =
            run_graph<backend::cpu, float>(MPI_COMM_SELF, net.lower(), {.batch = batch}).values;
        for (int data = 1; data <= ranks(); ++data) {
            if (ranks() % data) continue;
            for (const auto asked : {std::optional<policy>{}, std::optional(policy::rows),
                                     std::optional(policy::output), std::optional(policy::tiles)}) {
                INFO("data axis " << data << ", policy " << (asked ? name_of(*asked) : "own"));
                for (const auto team : {teaming::off, teaming::claim, teaming::static_}) {
                    check(net.lower(asked), {.batch = batch, .team = team, .data = data}, alone);
                }
            }
        }
    }
}

TEST_CASE("a model axis of two given dimensions") {
    for (int seed = 0; seed < mpar_test::effort(8); ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 31000u, true);
        INFO("seed " << seed << ": " << net.text());
        for (const auto asked : {policy::tiles, policy::grid}) {
            const options one{.batch = 2, .reproducible = true};
            const auto alone =
                run_graph<backend::cpu, float>(MPI_COMM_SELF, net.lower(asked), one).values;
            for (int second = 1; second <= ranks(); ++second) {
                if (ranks() % second) continue;
                INFO(name_of(asked) << ", second dimension " << second);
                check(net.lower(asked),
                      {.batch = 2, .team = teaming::off, .reproducible = true, .second = second},
                      alone);
            }
        }
    }
}

TEST_CASE("a pipeline of balanced stages, in any number of micro-batches") {
    for (int seed = 0; seed < mpar_test::effort(8); ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 32000u);
        INFO("seed " << seed << ": " << net.text());
        const auto alone =
            run_graph<backend::cpu, float>(MPI_COMM_SELF, net.lower(), {.batch = 6}).values;
        for (int data = 1; data <= ranks(); ++data) {
            if (ranks() % data) continue;
            const auto stages = balanced_stages(net.view(), net.input(), ranks() / data);
            const lowered l = net.lower(std::span<const placing>(stages));
            for (const int micro : {0, 1, 2, 3, 6}) {
                INFO("data axis " << data << ", micro-batches " << micro);
                check(l, {.batch = 6, .team = teaming::off, .data = data, .micro_batches = micro},
                      alone);
            }
        }
    }
}

TEST_CASE("stages have the least greatest work, and blocks stay whole") {
    const mpar_test::random_graph net(7);
    const auto pieces = detail::pieces_of(net.view(), net.input());
    long all = 0;
    for (const auto& p : pieces) all += p.flops;
    for (int stages = 1; stages <= 5; ++stages) {
        const auto placings = balanced_stages(net.view(), net.input(), stages);
        REQUIRE(placings.size() == net.view().size());
        std::vector<long> work(5, 0);
        for (const auto& p : pieces) {
            for (int i = p.begin; i < p.end; ++i) {
                CHECK(placings[std::size_t(i)] == placings[std::size_t(p.begin)]);
            }
            work[std::size_t(placings[std::size_t(p.begin)].stage)] += p.flops;
        }
        const long most = *std::max_element(work.begin(), work.end());
        CHECK(most >= all / stages);
        // No stage can be spared its last piece by giving it to the next: brute force over cuts.
        long best = all;
        const auto divide = [&](auto&& self, std::size_t from, int left, long worst) -> void {
            long sum = 0;
            for (std::size_t i = from; i < pieces.size(); ++i) {
                sum += pieces[i].flops;
                if (left > 1) self(self, i + 1, left - 1, std::max(worst, sum));
            }
            best = std::min(best, std::max(worst, sum));
        };
        divide(divide, 0, stages, 0);
        CHECK(most == best);
    }
}
