// SPDX-License-Identifier: MIT
// Bytes between pairs of ranks: posts, counts, waits. Knows no tensor.
#pragma once

#include <mpar/comm/wait.hpp>

#include <algorithm>

namespace mpar {

/// The messages of one exchange: posted all at once, waited for together.
///
/// Buffers passed in must live until wait() returns. Between two ranks messages arrive in the order
/// of their posting, so that one tag serves all.
class messages {
public:
    explicit messages(communicator& comm) : comm_(comm) {}

    /// throws: error(mpi).
    void receive(std::byte* data, long bytes, int from) {
        traffic t{.bytes_received = bytes, .messages_received = messages_for(bytes)};
        comm_.count(t);
        in_pieces(data, bytes, [&](std::byte* piece, int size) {
            check(MPI_Irecv(piece, size, MPI_BYTE, from, tag, comm_.handle(), &posted(from)),
                  "MPI_Irecv");
        });
    }

    /// throws: error(mpi).
    void send(const std::byte* data, long bytes, int to) {
        traffic t{.bytes_sent = bytes, .messages_sent = messages_for(bytes)};
        comm_.count(t);
        in_pieces(data, bytes, [&](const std::byte* piece, int size) {
            check(MPI_Isend(piece, size, MPI_BYTE, to, tag, comm_.handle(), &posted(to)),
                  "MPI_Isend");
        });
    }

    /// throws: error(no_progress) naming `doing()` and the silent ranks; error(mpi).
    void wait(function_ref<std::string()> doing) { wait_all(comm_, requests_, doing); }

private:
    static constexpr int tag = 0;

    MPI_Request& posted(int peer) {
        return requests_.emplace_back(pending{MPI_REQUEST_NULL, peer}).request;
    }

    template <class Byte, class Post>
    static void in_pieces(Byte* data, long bytes, Post post) {
        for (long at = 0; at < bytes; at += longest_message) {
            post(data + at, static_cast<int>(std::min(longest_message, bytes - at)));
        }
    }

    communicator& comm_;
    std::vector<pending> requests_;
};

}  // namespace mpar
