// SPDX-License-Identifier: MIT
// Tests that behave badly on purpose, hidden from a plain run; self_test.sh reads what is said.

#include <support/catch.hpp>

#include <mpi.h>

#include <cstdlib>

static int this_rank() {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

TEST_CASE("all is well") {
    int sum = 1, ranks = 0;
    MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    CHECK(sum == ranks);
}

TEST_CASE("the last rank fails", "[.fails]") {
    INFO("known only there");
    CHECK(this_rank() == 0);
}

TEST_CASE("the last rank leaves the others alone", "[.leaves]") {
    REQUIRE(this_rank() == 0);
    MPI_Barrier(MPI_COMM_WORLD);
}

TEST_CASE("a message that nobody sends", "[.waits]") {
    int value = 0;
    MPI_Recv(&value, 1, MPI_INT, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

TEST_CASE("123 bytes are lost", "[.leaks]") {
    volatile char* lost = static_cast<char*>(std::malloc(123));
    lost[0] = 1;
    lost = nullptr;
    CHECK(lost == nullptr);
}
