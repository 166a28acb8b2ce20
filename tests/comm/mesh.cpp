// SPDX-License-Identifier: MIT
// A mesh against the number of ranks: static ones are checked, dynamic ones take any.
#include "support/catch.hpp"

#include <mpar/comm/mesh.hpp>

using namespace mpar;

namespace {

template <class Mesh>
std::string refusal(int ranks) {
    try {
        require_mesh<Mesh>(ranks);
    } catch (const error& e) {
        CHECK(e.kind() == fault::usage);
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a static mesh takes its own number of ranks and no other") {
    for (int ranks = 1; ranks <= 70; ++ranks) {
        const std::string words = refusal<mesh<axis::model<4>>>(ranks);
        CHECK(words == (ranks == 4 ? ""
                                   : "mpar: the mesh has 4 ranks on its model axis, the "
                                     "communicator has " +
                                         std::to_string(ranks)));
    }
    CHECK(refusal<mesh<axis::model<1>>>(1) == "");
    CHECK(refusal<mesh<axis::model<1>>>(2) ==
          "mpar: the mesh has 1 ranks on its model axis, the communicator has 2");
}

TEST_CASE("a dynamic mesh takes any number of ranks") {
    for (int ranks = 1; ranks <= 70; ++ranks) {
        CHECK(refusal<mesh<>>(ranks) == "");
        CHECK(refusal<mesh<axis::model<dynamic>>>(ranks) == "");
    }
}

TEST_CASE("which meshes are static") {
    STATIC_REQUIRE(mesh<axis::model<4>>::is_static);
    STATIC_REQUIRE(mesh<axis::model<1>>::is_static);
    STATIC_REQUIRE_FALSE(mesh<>::is_static);
    STATIC_REQUIRE(std::is_same_v<mesh<>, mesh<axis::model<>>>);
    STATIC_REQUIRE(std::is_same_v<mesh<>, mesh<axis::model<dynamic>>>);
    STATIC_REQUIRE(axis::model<7>::ranks == 7);
}

TEST_CASE("a data axis beside the model axis") {
    using two_by_three = mesh<axis::data<2>, axis::model<3>>;
    STATIC_REQUIRE(two_by_three::is_static);
    CHECK(require_mesh<two_by_three>(6) == 2);
    CHECK(refusal<two_by_three>(5) ==
          "mpar: the mesh has 2 x 3 ranks on its data and model axes, the communicator has 5");
    CHECK(require_mesh<mesh<axis::data<2>, axis::model<2, 3>>>(12) == 2);
    CHECK(require_mesh<mesh<>>(6, 3) == 3);
    for (const int data : {0, -1, 4, 7}) {
        CHECK_THROWS_WITH(require_mesh<mesh<>>(6, data),
                          "mpar: a data axis of " + std::to_string(data) +
                              " ranks does not divide the 6 of the communicator");
    }
    CHECK_THROWS_WITH(require_mesh<two_by_three>(6, 3),
                      "mpar: the mesh has 2 ranks on its data axis, not 3");
}
