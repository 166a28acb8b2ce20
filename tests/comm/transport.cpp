// SPDX-License-Identifier: MIT
// What carries bytes between ranks: the library's own messages and the tests' two other transports
// bring the same bytes in the same order, and each is found by the memory that it reaches.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/transports.hpp"

#include <mpar/comm/transport.hpp>

#include <chrono>
#include <utility>
#include <vector>

using namespace mpar;
using mpar_test::counting_messages;
using mpar_test::delayed_messages;

namespace {

struct without_progress {
    without_progress(communicator&, int) {}
    void receive(std::byte*, long, int) {}
    void send(const std::byte*, long, int) {}
    void start() {}
    void wait(function_ref<std::string()>) {}
};

constexpr auto doing = [] { return std::string("test"); };

/// Each rank tells the next one some numbers, ten times.
template <class Transport>
void check_ring(communicator& comm) {
    const int next = (comm.rank() + 1) % comm.size(),
              before = (comm.rank() + comm.size() - 1) % comm.size();
    std::vector<int> in(1000), out(1000);
    Transport made(comm, 3);
    Transport ring(std::move(made));
    ring.receive(reinterpret_cast<std::byte*>(in.data()), 4000, before);
    ring.send(reinterpret_cast<const std::byte*>(out.data()), 4000, next);
    const traffic already = comm.counted();
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 1000; ++i) out[std::size_t(i)] = comm.rank() * 10000 + round * 1000 + i;
        ring.start();
        if (round % 2) {
            while (!ring.progress()) continue;
        }
        ring.wait(doing);
        CHECK(ring.progress());
        for (int i = 0; i < 1000; ++i) {
            if (in[std::size_t(i)] == before * 10000 + round * 1000 + i) continue;
            FAIL_CHECK("round " << round << ", number " << i << ": " << in[std::size_t(i)]);
            break;
        }
    }
    traffic moved = already;
    moved += {40'000, 10, 40'000, 10};
    CHECK(comm.counted() == moved);
}

}  // namespace

static_assert(transport_type<messages>);
static_assert(transport_type<counting_messages>);
static_assert(transport_type<delayed_messages>);
static_assert(!transport_type<without_progress>);
static_assert(std::same_as<transport_for<host_memory>::type, messages>);
static_assert(std::same_as<transport_for<mpar_test::counted_memory>::type, counting_messages>);
static_assert(std::same_as<transport_for<mpar_test::delayed_memory>::type, delayed_messages>);

TEST_CASE("transports carry the same bytes") {
    communicator comm(MPI_COMM_WORLD, seconds(60));
    check_ring<messages>(comm);
    counting_messages::counted() = {};
    check_ring<counting_messages>(comm);
    CHECK(counting_messages::counted() == traffic{40'000, 10, 40'000, 10});
    check_ring<delayed_messages>(comm);
}

TEST_CASE("a slow transport is not done before its time, and waits for it") {
    using clock = std::chrono::steady_clock;
    communicator comm(MPI_COMM_WORLD, seconds(60));
    delayed_messages::delay() = std::chrono::milliseconds(20);
    delayed_messages slow(comm, 0);
    const auto began = clock::now();
    slow.start();
    const bool done = slow.progress();
    CHECK((!done || clock::now() - began >= std::chrono::milliseconds(20)));
    slow.wait(doing);
    CHECK(clock::now() - began >= std::chrono::milliseconds(20));
    CHECK(slow.progress());
    delayed_messages::delay() = {};
}
