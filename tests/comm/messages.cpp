// SPDX-License-Identifier: MIT
// Messages between pairs of ranks: many, empty ones, in order; what is counted is what was sent.
// ranks: 1 2 3 4
#include "support/catch.hpp"

#include <mpar/comm/messages.hpp>

#include <cstring>
#include <random>

using namespace mpar;

namespace {

communicator world() { return communicator(MPI_COMM_WORLD, seconds(20)); }

constexpr auto nothing = [] { return std::string("test"); };

std::vector<std::byte> filled(std::size_t bytes, int seed) {
    std::vector<std::byte> data(bytes);
    for (std::size_t i = 0; i < bytes; ++i) data[i] = std::byte((i * 7 + std::size_t(seed)) & 255);
    return data;
}

}  // namespace

TEST_CASE("every rank to every rank, of every size, the empty one too") {
    auto comm = world();
    const int p = comm.size(), me = comm.rank();
    long bytes = 0, count = 0;
    for (const long size : {0L, 1L, 63L, 4096L, 70'000L, 3'000'000L}) {
        std::vector<std::vector<std::byte>> in, out;
        messages posted(comm);
        for (int q = 0; q < p; ++q) {
            in.emplace_back(std::size_t(size));
            out.push_back(filled(std::size_t(size), 100 * me + q));
        }
        for (int q = 0; q < p; ++q)
            if (q != me) posted.receive(in[std::size_t(q)].data(), size, q);
        for (int q = 0; q < p; ++q)
            if (q != me) posted.send(out[std::size_t(q)].data(), size, q);
        posted.start();
        posted.wait(nothing);
        for (int q = 0; q < p; ++q)
            if (q != me) CHECK(in[std::size_t(q)] == filled(std::size_t(size), 100 * q + me));
        bytes += size * (p - 1);
        count += size ? p - 1 : 0;
        CHECK(comm.counted() == traffic{bytes, count, bytes, count});
    }
}

TEST_CASE("messages between two ranks arrive in the order of their posting") {
    auto comm = world();
    const int next = (comm.rank() + 1) % comm.size(),
              before = (comm.rank() + comm.size() - 1) % comm.size();
    constexpr int many = 2000;
    std::mt19937 engine(7);  // the same lengths on all ranks
    std::vector<std::vector<int>> in, out;
    for (int i = 0; i < many; ++i) {
        const std::size_t length = engine() % 5 == 0 ? 3000 : 1 + engine() % 4;
        in.emplace_back(length, -1);
        out.emplace_back(length, 10'000 * comm.rank() + i);
    }
    messages posted(comm);
    for (auto& data : in)
        posted.receive(reinterpret_cast<std::byte*>(data.data()), long(data.size() * sizeof(int)),
                       before);
    for (const auto& data : out)
        posted.send(reinterpret_cast<const std::byte*>(data.data()),
                    long(data.size() * sizeof(int)), next);
    posted.start();
    posted.wait(nothing);
    int right = 0;
    for (int i = 0; i < many; ++i) {
        const auto& data = in[std::size_t(i)];
        right += data == std::vector<int>(data.size(), 10'000 * before + i);
    }
    CHECK(right == many);
    CHECK(comm.counted().messages_sent == many);
    CHECK(comm.counted().messages_received == many);
    CHECK(comm.counted().bytes_sent == comm.counted().bytes_received);
}

TEST_CASE("exchanges follow each other on one communicator, whoever comes late") {
    auto comm = world();
    const int p = comm.size(), me = comm.rank();
    int right = 0;
    for (int round = 0; round < 300; ++round) {
        if (round % 100 == me) sched_yield();
        std::vector<int> in(std::size_t(p), -1);
        const int out = 1000 * round + me;
        messages posted(comm);
        for (int q = 0; q < p; ++q)
            if (q != me)
                posted.receive(reinterpret_cast<std::byte*>(&in[std::size_t(q)]), sizeof(int), q);
        for (int q = 0; q < p; ++q)
            if (q != me) posted.send(reinterpret_cast<const std::byte*>(&out), sizeof(int), q);
        posted.start();
        posted.wait(nothing);
        bool all = true;
        for (int q = 0; q < p; ++q)
            all = all && (q == me || in[std::size_t(q)] == 1000 * round + q);
        right += all;
    }
    CHECK(right == 300);
}

TEST_CASE("declared once, started many times") {
    auto comm = world();
    const int next = (comm.rank() + 1) % comm.size(),
              before = (comm.rank() + comm.size() - 1) % comm.size();
    int in[2] = {}, out[2] = {};
    const auto bytes = [](int& value) { return reinterpret_cast<std::byte*>(&value); };
    messages first(comm, 1), second(comm, 2);  // both under way at a time
    first.receive(bytes(in[0]), sizeof(int), before);
    first.send(bytes(out[0]), sizeof(int), next);
    second.receive(bytes(in[1]), sizeof(int), before);
    second.send(bytes(out[1]), sizeof(int), next);
    int right = 0;
    for (int round = 0; round < 200; ++round) {
        out[0] = 10 * round + comm.rank();
        out[1] = -out[0];
        second.start();
        first.start();
        first.wait(nothing);
        second.wait(nothing);
        right += in[0] == 10 * round + before && in[1] == -in[0];
    }
    CHECK(right == 200);
    CHECK(comm.counted().messages_sent == 400);
}

TEST_CASE("waiting for nothing returns at once, twice too") {
    auto comm = world();
    messages posted(comm);
    posted.start();
    posted.wait(nothing);
    posted.receive(nullptr, 0, 0);
    posted.send(nullptr, 0, 0);
    posted.start();
    posted.wait(nothing);
    posted.start();
    posted.wait(nothing);
    CHECK(comm.counted() == traffic{});
}

TEST_CASE("a message shorter than its receiver expects is no error, a longer one is MPI's") {
    MPI_Comm handle = MPI_COMM_NULL;
    {
        auto comm = world();
        if (comm.size() < 2 || comm.rank() > 1) return;
        std::vector<std::byte> data(16);
        messages posted(comm);
        if (comm.rank() == 0) {
            posted.send(data.data(), 16, 1);
            posted.start();
            CHECK_NOTHROW(posted.wait(nothing));
            return;
        }
        posted.receive(data.data(), 8, 0);
        try {
            posted.start();
            posted.wait(nothing);
            FAIL_CHECK("a message was cut off in silence");
        } catch (const error& e) {
            CHECK(e.kind() == fault::mpi);
            CAPTURE(e.what());
            CHECK(std::string(e.what()).find("truncated") != std::string::npos);
        }
        CHECK(comm.is_broken());
        handle = comm.handle();
    }
    MPI_Comm_free(&handle);  // what is broken is not freed by the library
}
