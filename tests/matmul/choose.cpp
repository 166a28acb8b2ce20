// SPDX-License-Identifier: MIT
#include <mpar/matmul/choose.hpp>

#include <support/catch.hpp>

using namespace mpar::matmul;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("automatic takes the grid that the shape asks for") {
    const auto chosen = [](const sizes& s, int ranks) {
        return choose(s, algorithm::automatic, ranks);
    };
    REQUIRE(chosen({2048, 2048, 2048}, 8).ranks == grid{2, 2, 2});
    REQUIRE(chosen({2048, 2048, 2048}, 64).ranks == grid{4, 4, 4});
    REQUIRE(chosen({4096, 4096, 64}, 4).ranks == grid{2, 2, 1});
    REQUIRE(chosen({64, 64, 100000}, 6).ranks == grid{1, 1, 6});
    REQUIRE(chosen({64, 64, 100000}, 6).how == algorithm::row);
    REQUIRE(chosen({64, 100000, 64}, 6).how == algorithm::column);
    REQUIRE(chosen({100000, 64, 64}, 6).ranks == grid{6, 1, 1});
    REQUIRE(chosen({5, 6, 7}, 1).ranks == grid{1, 1, 1});
}

TEST_CASE("of equal words the model's time decides") {
    // messages that cost much: the one sum of row; work in the way of them: column
    const sizes s{2048, 2048, 2048};
    REQUIRE(choose(s, algorithm::automatic, 2, {1, 1e-12, 1e-12}).how == algorithm::row);
    REQUIRE(choose(s, algorithm::automatic, 2, {1e-6, 8e-10, 1e-11}).how == algorithm::column);
    // a cut that leaves ranks without work is seen
    REQUIRE(seconds_of({{3, 300, 300}, algorithm::summa, {4, 1, 1}}, {0, 0, 1}) >
            seconds_of({{3, 300, 300}, algorithm::summa, {1, 4, 1}}, {0, 0, 1}));
}

TEST_CASE("what cannot be is refused in words") {
    REQUIRE_THROWS_WITH(choose({1, 1, 1}, algorithm::cannon, 6),
                        "mpar: a matrix product by cannon takes a square number of ranks, not 6");
    REQUIRE_THROWS_WITH(choose({1, -1, 1}, algorithm::row, 6),
                        ContainsSubstring("no negative extents, such as 1 x -1 x 1"));
    REQUIRE_THROWS_WITH(choose({1, 1, 1}, algorithm::row, 0),
                        ContainsSubstring("at least one rank, not 0"));
    REQUIRE_THROWS_WITH(on_grid({1, 1, 1}, algorithm::column, {2, 1, 1}),
                        "mpar: a matrix product by column has no grid 2 x 1 x 1");
    REQUIRE(on_grid({1, 1, 1}, algorithm::automatic, {2, 3, 1}).how == algorithm::summa);
    REQUIRE(on_grid({1, 1, 1}, algorithm::grid3d, {2, 3, 2}).ranks == grid{2, 3, 2});
}
