// SPDX-License-Identifier: MIT
// Seconds of work and of messages on a machine. Knows no layer.
#pragma once

#include <mpar/comm/traffic.hpp>
#include <mpar/shard/machine.hpp>

namespace mpar {

/// What a kernel does on one rank.
struct workload {
    work kind = work::pass;
    long flops = 0;
    long tensor_bytes = 0;  ///< read and written
    long weight_bytes = 0;  ///< of filters, as they are packed

    constexpr bool empty() const { return flops == 0 && tensor_bytes == 0; }
};

constexpr double seconds_of(const workload& w, const machine& on) {
    if (w.empty()) return 0;
    const rate& r = on.of(w.kind);
    return on.step + double(w.flops) * r.flop + double(w.tensor_bytes) * r.tensor +
           double(w.weight_bytes) * r.weight;
}

/// Seconds of an exchange on one rank, which sends and receives at once.
/// Hockney's model: alpha for each message, beta for each byte. A sum's parts are not unpacked.
constexpr double seconds_of(const traffic& t, const link& by, bool unpacks = true) {
    return double(std::max(t.messages_received, t.messages_sent)) * by.alpha +
           double(std::max(t.bytes_received, t.bytes_sent)) *
               (unpacks ? by.beta : by.beta - by.copy());
}

}  // namespace mpar
