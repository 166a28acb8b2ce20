// SPDX-License-Identifier: MIT
// Products in closed form against the messages of their schedules, one by one.
#include "support/catch.hpp"

#include <mpar/matmul/simulate.hpp>
#include <mpar/net/simulate/links.hpp>

using namespace mpar;

namespace {

cluster some_machine() {
    cluster c;
    c.ranks_per_node = 4;
    c.nodes_per_group = 2;
    c.node = {4e-7, 1e-10, 1e-10};
    c.group = {2e-6, 2e-10, 3e-10};
    c.whole = {3e-6, 3e-10, 1e-10};
    return c;
}

/// The greatest seconds of any link that a message of the schedule goes over, sums left out.
double fullest(const matmul::plan& p, const cluster& c) {
    links on(c, p.ranks.ranks());
    std::vector<std::pair<int, int>> pairs;
    for (int r = 0; r < p.ranks.ranks(); ++r) {
        const auto at = place_of(p.ranks, r);
        for (const auto& t : schedule(p, at)) {
            const long a = 4L * rows_of(p, at).size() * t.k.size(),
                       b = 4L * columns_of(p, at).size() * t.k.size();
            if (t.a.from >= 0) on.add(t.a.from, r, a), pairs.emplace_back(t.a.from, r);
            if (t.b.from >= 0) on.add(t.b.from, r, b), pairs.emplace_back(t.b.from, r);
        }
    }
    double most = 0;
    for (const auto& [from, to] : pairs) {
        most = std::max(most, on.seconds(from, to) - c.at(c.between(from, to)).alpha);
    }
    return most;
}

}  // namespace

TEST_CASE("bytes are the schedule's, on every grid of up to 64 ranks") {
    const matmul::sizes s{384, 576, 768};
    for (const int ranks : {1, 2, 3, 4, 6, 8, 12, 16, 24, 27, 32, 48, 64}) {
        for (const auto& p : candidates(s, matmul::algorithm::automatic, ranks)) {
            INFO(name_of(p.how) << " " << p.ranks.p << " x " << p.ranks.q << " x " << p.ranks.r);
            const auto done = simulate(p, some_machine());
            CHECK(done.bytes == 4 * words_received(p, {}));
            CHECK(done.messages >= (done.bytes > 0));
            CHECK(done.seconds >= done.compute_seconds);
        }
    }
}

TEST_CASE("links are as full as with all messages on them") {
    cluster c = some_machine();
    c.rank = {};
    c.rank.rates = {};
    c.rank.step = 0;
    for (const matmul::grid g :
         {matmul::grid{4, 4, 1}, matmul::grid{8, 8, 1}, matmul::grid{1, 16, 1},
          matmul::grid{16, 1, 1}, matmul::grid{2, 8, 1}}) {
        const matmul::plan p{{512, 512, 512}, matmul::algorithm::summa, g};
        INFO(g.p << " x " << g.q);
        const double alpha = simulate(p, c).seconds - fullest(p, c);
        CHECK(alpha >= 0);
        CHECK(alpha <= c.whole.alpha * 1.001);
    }
}

TEST_CASE("the chosen grid is among the quickest and moves the fewest bytes of these") {
    const matmul::sizes s{4096, 4096, 4096};
    const auto best = simulate(s, matmul::algorithm::automatic, 64, some_machine());
    for (const auto& p : candidates(s, matmul::algorithm::automatic, 64)) {
        const auto one = simulate(p, some_machine());
        CHECK(best.seconds <= 1.01 * one.seconds);
    }
    const auto many = simulate(s, matmul::algorithm::grid3d, 65536, some_machine());
    CHECK(many.how.ranks.ranks() == 65536);
    CHECK(many.seconds < best.seconds);
    CHECK_THROWS_AS(simulate(s, matmul::algorithm::cannon, 8, some_machine()), error);
}
