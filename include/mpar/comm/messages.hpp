// SPDX-License-Identifier: MIT
// Messages between pairs of ranks that are sent again and again: they are declared once, then
// started and waited for. Knows no tensor.
#pragma once

#include <mpar/comm/wait.hpp>
#include <mpar/core/growing.hpp>

#include <algorithm>
#include <utility>

namespace mpar {

/// The messages of one exchange as MPI's persistent requests, started all at once.
///
/// Buffers must live as long as this, and must not be touched between start() and wait(). Between two
/// ranks messages of one tag arrive in the order of their declaration and of their starts.
class messages {
public:
    explicit messages(communicator& comm, int tag = 0) : comm_(&comm), tag_(tag) {}
    messages(messages&& other) noexcept
        : comm_(other.comm_),
          tag_(other.tag_),
          requests_(std::exchange(other.requests_, {})),
          each_(other.each_) {}
    messages& operator=(messages&&) = delete;
    ~messages() {
        int over = 0;
        MPI_Finalized(&over);
        if (over || comm_->is_broken()) return;
        for (auto& r : requests_) {
            if (r.request != MPI_REQUEST_NULL) MPI_Request_free(&r.request);
        }
    }

    /// throws: error(mpi).
    void receive(std::byte* data, long bytes, int from) {
        each_ += {.bytes_received = bytes, .messages_received = messages_for(bytes)};
        in_pieces(data, bytes, [&](std::byte* piece, int size) {
            check(MPI_Recv_init(piece, size, MPI_BYTE, from, tag_, comm_->handle(), &added(from)),
                  "MPI_Recv_init");
        });
    }

    /// throws: error(mpi).
    void send(const std::byte* data, long bytes, int to) {
        each_ += {.bytes_sent = bytes, .messages_sent = messages_for(bytes)};
        in_pieces(data, bytes, [&](const std::byte* piece, int size) {
            check(MPI_Send_init(piece, size, MPI_BYTE, to, tag_, comm_->handle(), &added(to)),
                  "MPI_Send_init");
        });
    }

    /// throws: error(mpi).
    void start() {
        comm_->count(each_);
        for (auto& r : requests_) check(MPI_Start(&r.request), "MPI_Start");
    }

    /// Lets MPI move the messages on. returns: whether all are done, as they are before start().
    /// throws: error(mpi).
    bool progress() {
        for (auto& r : requests_) {
            int done = 1;
            if (r.request != MPI_REQUEST_NULL) {
                check(MPI_Test(&r.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
            }
            if (!done) return false;
        }
        return true;
    }

    /// throws: error(no_progress) naming `doing()` and the silent ranks; error(mpi).
    void wait(function_ref<std::string()> doing) { wait_all(*comm_, requests_, doing); }

private:
    MPI_Request& added(int peer) {
        return requests_.emplace_back(pending{MPI_REQUEST_NULL, peer}).request;
    }

    template <class Byte, class Post>
    static void in_pieces(Byte* data, long bytes, Post post) {
        for (long at = 0; at < bytes; at += longest_message) {
            post(data + at, static_cast<int>(std::min(longest_message, bytes - at)));
        }
    }

    communicator* comm_;
    int tag_;
    growing<pending> requests_;
    traffic each_;
};

}  // namespace mpar
