// SPDX-License-Identifier: MIT
// Teams: who is in which, memory that all members see, what they say to other teams.
// ranks: 1 2 3 4
#include "support/catch.hpp"

#include <mpar/comm/all_gather.hpp>
#include <mpar/comm/team.hpp>

using namespace mpar;

TEST_CASE("ranks of a node form teams of at most so many") {
    communicator comm(MPI_COMM_WORLD);
    for (const int most : {0, 1, 2, 3}) {
        CAPTURE(most);
        team t(comm, teaming::claim, most);
        const int size = most == 0 ? comm.size() : most;
        CHECK(t.seat() == comm.rank() / size);
        CHECK(t.seats() == (comm.size() + size - 1) / size);
        CHECK(t.member() == comm.rank() % size);
        CHECK(t.members() == std::min(size, comm.size() - t.seat() * size));
        if (!t.leads()) continue;
        CHECK(t.outside().size() == t.seats());
        const auto ranks = all_gather(t.outside(), comm.rank());
        for (int i = 0; i < t.seats(); ++i) CHECK(ranks[std::size_t(i)] == i * size);
    }
}

TEST_CASE("off: each rank is a team") {
    communicator comm(MPI_COMM_WORLD);
    team t(comm, teaming::off);
    CHECK(t.seat() == comm.rank());
    CHECK(t.seats() == comm.size());
    CHECK(t.members() == 1);
    CHECK(&t.outside() == &comm);
}

TEST_CASE("static: each rank keeps its seat, teams are known to all") {
    communicator comm(MPI_COMM_WORLD);
    for (const int most : {1, 2, 3}) {
        team t(comm, teaming::fixed, most);
        CHECK(t.seat() == comm.rank());
        CHECK(t.seats() == comm.size());
        std::vector<int> firsts;
        for (int r = 0; r < comm.size(); r += most) firsts.push_back(r);
        if (comm.size() > 1) CHECK(t.first_seats() == firsts);
        CHECK(t.exchanges());
    }
}

TEST_CASE("a team's memory is one, and aligned") {
    communicator comm(MPI_COMM_WORLD);
    team t(comm, teaming::claim);
    team_memory<> memory(t, 1000);
    CHECK(memory.bytes() == 1000);
    CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % 64 == 0);
    auto* values = static_cast<int*>(memory.data());
    values[t.member()] = 100 + t.member();
    all_gather(comm, 0);
    for (int m = 0; m < t.members(); ++m) CHECK(values[m] == 100 + m);
    team_memory<> moved(std::move(memory));
    CHECK(moved.data() == values);
    CHECK(memory.data() == nullptr);
}

TEST_CASE("a crew of ranks shares its units") {
    communicator comm(MPI_COMM_WORLD);
    team t(comm, teaming::claim, 3);
    crew workers;
    const auto board = muster(t, workers, comm.rank(), comm.deadline());
    workers.hire(2);
    CHECK(workers.members() == t.members());
    team_memory<> memory(t, 64 * sizeof(int));
    auto* done = static_cast<int*>(memory.data());
    for (int i = 0; i < 200; ++i) {
        workers.single([&] { std::fill_n(done, 64, 0); });
        workers.share(64, [&](long u, int) { ++done[u]; });
        CHECK(std::count(done, done + 64, 1) == 64);
        workers.meet();
    }
}
