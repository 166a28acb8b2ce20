// SPDX-License-Identifier: MIT
// broadcast, all_reduce and all_gather of small values; the sums of traffic.
// ranks: 1 2 3 4
#include "support/catch.hpp"

#include <mpar/comm/all_gather.hpp>
#include <mpar/comm/all_reduce.hpp>
#include <mpar/comm/broadcast.hpp>

#include <algorithm>
#include <limits>
#include <numeric>

using namespace mpar;

namespace {

constexpr long least = std::numeric_limits<long>::min(), most = std::numeric_limits<long>::max();

communicator world() { return communicator(MPI_COMM_WORLD, seconds(20)); }

}  // namespace

TEST_CASE("all_reduce: the sum, the least and the greatest, on every rank") {
    auto comm = world();
    const long p = comm.size(), r = comm.rank();
    CHECK(all_reduce(comm, r + 1, MPI_SUM) == p * (p + 1) / 2);
    CHECK(all_reduce(comm, 10 - r, MPI_MIN) == 11 - p);
    CHECK(all_reduce(comm, 10 - r, MPI_MAX) == 10);
    CHECK(all_reduce(comm, r == p - 1 ? least : r, MPI_MIN) == least);
    CHECK(all_reduce(comm, r == 0 ? most : r, MPI_MAX) == most);
    CHECK(all_reduce(comm, r == 0 ? 1L << 40 : 0, MPI_SUM) == 1L << 40);
}

TEST_CASE("all_gather: every rank's value at its place") {
    auto comm = world();
    const auto all = all_gather(comm, (1L << 40) + comm.rank());
    REQUIRE(long(all.size()) == comm.size());
    for (int r = 0; r < comm.size(); ++r) CHECK(all[std::size_t(r)] == (1L << 40) + r);
}

TEST_CASE("all_gather: every rank's block at its place, of every size") {
    auto comm = world();
    for (const int bytes : {0, 1, 7, 512, 100'000}) {
        const auto size = std::size_t(bytes);
        outliving<std::byte> blocks(comm, std::size_t(comm.size()) * size + 1);
        std::fill_n(blocks.data() + std::size_t(comm.rank()) * size, size,
                    std::byte(comm.rank() + 1));
        blocks.data()[std::size_t(comm.size()) * size] = std::byte(0xee);
        all_gather(comm, blocks.data(), bytes);
        for (int r = 0; r < comm.size(); ++r) {
            const auto* block = blocks.data() + std::size_t(r) * size;
            CHECK(std::count(block, block + size, std::byte(r + 1)) == bytes);
        }
        CHECK(blocks.data()[std::size_t(comm.size()) * size] == std::byte(0xee));
    }
}

TEST_CASE("broadcast: the root's bytes, from every root, of every size") {
    auto comm = world();
    for (int root = 0; root < comm.size(); ++root) {
        for (const int bytes : {0, 1, 7, 512, 100'000}) {
            std::vector<unsigned char> data(std::size_t(bytes) + 1, 0xee);
            if (comm.rank() == root) std::iota(data.begin(), data.end() - 1, root);
            broadcast(comm, data.data(), bytes, root);
            std::vector<unsigned char> expected(std::size_t(bytes) + 1, 0xee);
            std::iota(expected.begin(), expected.end() - 1, root);
            CHECK(data == expected);
        }
    }
}

TEST_CASE("collectives are no traffic of the network's: nothing is counted") {
    auto comm = world();
    int value = 0;
    all_reduce(comm, 1, MPI_SUM);
    all_gather(comm, 1);
    broadcast(comm, &value, sizeof value, 0);
    CHECK(comm.counted() == traffic{});
    CHECK_FALSE(comm.is_broken());
}

TEST_CASE("traffic adds up, and long messages are several") {
    traffic sum{1, 2, 3, 4};
    sum += {10, 20, 30, 40};
    CHECK(sum == traffic{11, 22, 33, 44});
    STATIC_REQUIRE(messages_for(0) == 0);
    STATIC_REQUIRE(messages_for(1) == 1);
    STATIC_REQUIRE(messages_for(longest_message) == 1);
    STATIC_REQUIRE(messages_for(longest_message + 1) == 2);
    STATIC_REQUIRE(messages_for(5 * longest_message) == 5);
    STATIC_REQUIRE(longest_message <= std::numeric_limits<int>::max());
}

TEST_CASE("errors of MPI carry its words and our kind") {
    CHECK_NOTHROW(check(MPI_SUCCESS, "MPI_Test"));
    try {
        check(MPI_ERR_TRUNCATE, "MPI_Test");
        FAIL_CHECK("nothing was thrown");
    } catch (const error& e) {
        CHECK(e.kind() == fault::mpi);
        CHECK(std::string(e.what()).starts_with("mpar: MPI_Test: "));
        CHECK(std::string(e.what()).size() > 20);
    }
}
