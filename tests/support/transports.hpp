// SPDX-License-Identifier: MIT
// Two transports over MPI's messages, each with a memory that asks for it: one counts what it carries,
// one is slow. Knows no tensor.
#pragma once

#include <mpar/comm/transport.hpp>

#include <chrono>
#include <thread>

namespace mpar_test {

/// Counts bytes and messages of each start, by itself.
class counting_messages {
public:
    counting_messages(mpar::communicator& comm, int tag) : carried_(comm, tag) {}

    /// By all of this process's.
    static mpar::traffic& counted() {
        static mpar::traffic all;
        return all;
    }

    void receive(std::byte* data, long bytes, int from) {
        each_.bytes_received += bytes;
        each_.messages_received += mpar::messages_for(bytes);
        carried_.receive(data, bytes, from);
    }
    void send(const std::byte* data, long bytes, int to) {
        each_.bytes_sent += bytes;
        each_.messages_sent += mpar::messages_for(bytes);
        carried_.send(data, bytes, to);
    }
    void start() {
        counted() += each_;
        carried_.start();
    }
    bool progress() { return carried_.progress(); }
    void wait(mpar::function_ref<std::string()> doing) { carried_.wait(doing); }

private:
    mpar::messages carried_;
    mpar::traffic each_;
};

/// What was started is not done before `delay` has passed.
class delayed_messages {
public:
    delayed_messages(mpar::communicator& comm, int tag) : carried_(comm, tag) {}

    static std::chrono::microseconds& delay() {
        static std::chrono::microseconds time{0};
        return time;
    }
    /// How often somebody asked in vain.
    static long& looks_in_vain() {
        static long count = 0;
        return count;
    }

    void receive(std::byte* data, long bytes, int from) { carried_.receive(data, bytes, from); }
    void send(const std::byte* data, long bytes, int to) { carried_.send(data, bytes, to); }
    void start() {
        due_ = clock::now() + delay();
        carried_.start();
    }
    bool progress() {
        const bool done = carried_.progress() && clock::now() >= due_;
        if (!done) ++looks_in_vain();
        return done;
    }
    void wait(mpar::function_ref<std::string()> doing) {
        std::this_thread::sleep_until(due_);
        carried_.wait(doing);
    }

private:
    using clock = std::chrono::steady_clock;

    mpar::messages carried_;
    clock::time_point due_{};
};

/// Memories of the host whose messages those carry.
struct counted_memory : mpar::host_memory {};
struct delayed_memory : mpar::host_memory {};

}  // namespace mpar_test

template <>
struct mpar::transport_for<mpar_test::counted_memory> {
    using type = mpar_test::counting_messages;
};
template <>
struct mpar::transport_for<mpar_test::delayed_memory> {
    using type = mpar_test::delayed_messages;
};
