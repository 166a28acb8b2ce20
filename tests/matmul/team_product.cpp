// SPDX-License-Identifier: MIT
// ranks: 1 2 3 4 6
#include <mpar/matmul/team_product.hpp>

#include <mpar/matmul/choose.hpp>

#include "comm/calls.hpp"
#include "matmul/numbers.hpp"

#include <support/catch.hpp>

using namespace mpar::matmul;
using namespace matmul_test;

namespace {

struct house {
    mpar::communicator comm{MPI_COMM_WORLD};
    mpar::team team{comm, mpar::teaming::claim};
    mpar::crew crew;
    mpar::team_memory<> board = mpar::muster(team, crew, comm.rank(), comm.deadline());
};

}  // namespace

TEST_CASE("a team's product is the triple loop, without a message") {
    house h;
    REQUIRE(h.team.members() == h.comm.size());
    for (const sizes s : {sizes{40, 56, 64}, sizes{37, 53, 71}, sizes{3, 2, 5}, sizes{1, 70, 33},
                          sizes{1, 1, 130}, sizes{3, 4, 0}}) {
        for (const auto& p : candidates(s, algorithm::automatic, h.comm.size())) {
            CAPTURE(s.m, s.n, s.k, name_of(p.how), p.ranks.p, p.ranks.q, p.ranks.r);
            const place at = place_of(p.ranks, h.comm.rank());
            const shared_matrix<float> a(h.team, s.m, s.k), b(h.team, s.k, s.n),
                c(h.team, s.m, s.n);
            team_product<float> multiply(h.team, h.crew, p, a.all(), b.all(), c.all());
            for (int round = 0; round < 3; ++round) {
                const auto shifted = [&](int i, int k) { return element_a(i + round, k); };
                set(a.part(owned_a(p, at)), owned_a(p, at), shifted);
                set(b.part(owned_b(p, at)), owned_b(p, at), element_b);
                const long calls_before = calls::all().on[h.comm.handle()];
                multiply.run();
                REQUIRE(calls::all().on[h.comm.handle()] == calls_before);
                area mine = owned_c(p, at);
                const auto result = c.part(mine);
                mine.rows = {mine.rows.lo + round, mine.rows.hi + round};
                REQUIRE(wrong(result, mine, s.k) == 0);
            }
        }
    }
}

TEST_CASE("products follow each other in one memory: column, then row") {
    house h;
    const int width = 75, batch = 3;
    const plan first = choose({batch, width, 20}, algorithm::column, h.comm.size());
    const plan second = choose({batch, 44, width}, algorithm::row, h.comm.size());
    const shared_matrix<double> x(h.team, batch, 20), w(h.team, 20, width), y(h.team, batch, width),
        v(h.team, width, 44), z(h.team, batch, 44);
    team_product<double> one(h.team, h.crew, first, x.all(), w.all(), y.all());
    team_product<double> two(h.team, h.crew, second, y.all(), v.all(), z.all());
    const place at = place_of(first.ranks, h.comm.rank()),
                then = place_of(second.ranks, h.comm.rank());
    set(x.part(owned_a(first, at)), owned_a(first, at), element_a);
    set(w.part(owned_b(first, at)), owned_b(first, at), element_b);
    set(v.part(owned_b(second, then)), owned_b(second, then), element_b);
    REQUIRE(owned_a(second, then) == owned_c(first, at));  // so nothing moves between the two
    for (int round = 0; round < 5; ++round) {
        one.run();
        two.run();
        const area mine = owned_c(second, then);
        for (int i = mine.rows.lo; i < mine.rows.hi; ++i) {
            for (int j = mine.columns.lo; j < mine.columns.hi; ++j) {
                double sum = 0;
                for (int k = 0; k < width; ++k) {
                    sum += double(element_c(i, k, 20)) * element_b(k, j);
                }
                REQUIRE(z.all()(i, j) == sum);
            }
        }
    }
}

TEST_CASE("matrices of another size are refused") {
    house h;
    const plan p = choose({4, 5, 6}, algorithm::column, h.comm.size());
    const shared_matrix<float> a(h.team, 4, 6), b(h.team, 6, 5), c(h.team, 5, 4);
    REQUIRE_THROWS_WITH((team_product<float>(h.team, h.crew, p, a.all(), b.all(), c.all())),
                        Catch::Matchers::ContainsSubstring("block of C is 4 x 5, not 5 x 4"));
}
