// SPDX-License-Identifier: MIT
// Bytes and messages of one rank, measured or predicted. Knows no MPI.
#pragma once

namespace mpar {

/// What one rank receives from and sends to the others.
struct traffic {
    long bytes_received = 0, messages_received = 0;
    long bytes_sent = 0, messages_sent = 0;

    constexpr traffic& operator+=(const traffic& t) {
        bytes_received += t.bytes_received;
        messages_received += t.messages_received;
        bytes_sent += t.bytes_sent;
        messages_sent += t.messages_sent;
        return *this;
    }
    constexpr traffic operator*(long times) const {
        return {bytes_received * times, messages_received * times, bytes_sent * times,
                messages_sent * times};
    }
    constexpr bool operator==(const traffic&) const = default;
};

/// MPI 3's counts are ints: a longer message travels in pieces of at most this many bytes.
inline constexpr long longest_message = 1L << 30;

/// Number of messages that `bytes` travel in.
constexpr long messages_for(long bytes) { return (bytes + longest_message - 1) / longest_message; }

}  // namespace mpar
