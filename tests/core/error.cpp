// SPDX-License-Identifier: MIT
// The one exception: its kinds are the programs' exit codes, its words come through.
#include "support/catch.hpp"

#include <mpar/core/config.hpp>
#include <mpar/core/error.hpp>

#include <type_traits>

using namespace mpar;

TEST_CASE("the kinds are the exit codes of the programs") {
    STATIC_REQUIRE(int(fault::usage) == 2);
    STATIC_REQUIRE(int(fault::input) == 3);
    STATIC_REQUIRE(int(fault::model) == 4);
    STATIC_REQUIRE(int(fault::numbers) == 5);
    STATIC_REQUIRE(int(fault::mpi) == 6);
    STATIC_REQUIRE(int(fault::device) == 7);
    STATIC_REQUIRE(int(fault::internal) == 70);
    STATIC_REQUIRE(int(fault::no_progress) == 86);
}

TEST_CASE("an error keeps kind and words, as itself and as a standard exception") {
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, error>);
    STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<error>);
    try {
        throw error(fault::numbers, "mpar: NaN at element 7");
    } catch (const std::exception& e) {
        CHECK(std::string(e.what()) == "mpar: NaN at element 7");
        const auto* ours = dynamic_cast<const error*>(&e);
        REQUIRE(ours);
        CHECK(ours->kind() == fault::numbers);
        const error copy = *ours;
        CHECK(copy.kind() == fault::numbers);
        CHECK(std::string(copy.what()) == e.what());
    }
}

TEST_CASE("the version is one number to compare") {
    STATIC_REQUIRE(MPAR_VERSION ==
                   MPAR_VERSION_MAJOR * 10000 + MPAR_VERSION_MINOR * 100 + MPAR_VERSION_PATCH);
    STATIC_REQUIRE(MPAR_VECTOR_BYTES == 16 || MPAR_VECTOR_BYTES == 32 || MPAR_VECTOR_BYTES == 64);
    CHECK(std::string(MPAR_ISA).size() > 3);
}
