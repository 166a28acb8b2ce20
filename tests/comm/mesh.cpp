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
