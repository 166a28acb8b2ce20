// SPDX-License-Identifier: MIT
// Asking requests whether they are done, until a deadline. Knows no communicator.
#pragma once

#include <mpar/comm/check.hpp>

#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <vector>

namespace mpar {

/// A span of time. (<chrono> would cost every translation unit a third of a second.)
class seconds {
public:
    constexpr explicit seconds(double count) : count_(count) {}
    constexpr double count() const { return count_; }
    constexpr bool operator==(const seconds&) const = default;

private:
    double count_;
};

/// A posted request and the rank that it waits for; -1: all of them.
struct pending {
    MPI_Request request = MPI_REQUEST_NULL;
    int peer = -1;
};

/// Whether all requests were done before the deadline. Spins, then yields, so that oversubscribed
/// ranks make progress. throws: error(mpi).
inline bool poll(std::vector<pending>& requests, seconds deadline) {
    // A rank that was itself held up must not blame the others: of one round no more is counted.
    constexpr double longest_round = 0.25;
    double passed = 0, last = MPI_Wtime();
    std::size_t first = 0;
    for (long spin = 0; passed <= deadline.count(); ++spin) {
        for (int done = 1; done && first < requests.size(); first += done != 0) {
            auto& r = requests[first];
            if (r.request == MPI_REQUEST_NULL) continue;
            check(MPI_Test(&r.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
        }
        if (first == requests.size()) return true;
        if (spin < 64) continue;
        sched_yield();
        const double now = MPI_Wtime();
        passed += std::min(now - last, longest_round);
        last = now;
    }
    return false;
}

/// "300 s", "0.5 s"
inline std::string in_words(seconds time) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), time.count());
    return std::string(text.data(), end.ptr) + " s";
}

}  // namespace mpar
