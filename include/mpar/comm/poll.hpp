// SPDX-License-Identifier: MIT
// Asking requests whether they are done, until a deadline. Knows no communicator.
#pragma once

#include <mpar/comm/check.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/core/patience.hpp>

#include <cstddef>

namespace mpar {

/// A posted request and the rank that it waits for; -1: all of them.
struct pending {
    MPI_Request request = MPI_REQUEST_NULL;
    int peer = -1;
};

/// Whether all requests were done before the deadline. Spins, then yields. throws: error(mpi).
inline bool poll(growing<pending>& requests, seconds deadline) {
    patience wait(deadline);
    std::size_t first = 0;
    do {
        for (int done = 1; done && first < requests.size(); first += done != 0) {
            auto& r = requests[first];
            if (r.request == MPI_REQUEST_NULL) continue;
            check(MPI_Test(&r.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
        }
        if (first == requests.size()) return true;
    } while (wait.goes_on());
    return false;
}

}  // namespace mpar
