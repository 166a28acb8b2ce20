// SPDX-License-Identifier: MIT
// Waiting for other ranks, with a deadline. Knows requests; nothing of what they carry.
#pragma once

#include <mpar/comm/communicator.hpp>
#include <mpar/core/function_ref.hpp>

#include <sched.h>

#include <string>
#include <vector>

namespace mpar {

/// A posted request and the rank that it waits for; -1: all of them.
struct pending {
    MPI_Request request = MPI_REQUEST_NULL;
    int peer = -1;
};

namespace detail {

inline std::string silent_ranks(const std::vector<pending>& requests) {
    std::string names;
    for (const auto& r : requests) {
        if (r.request == MPI_REQUEST_NULL || r.peer < 0) continue;
        const std::string name = std::to_string(r.peer);
        if ((", " + names + ",").find(", " + name + ",") != std::string::npos) continue;
        names += (names.empty() ? "" : ", ") + name;
    }
    return names.empty() ? "another rank" : "rank " + names;
}

}  // namespace detail

/// Waits until all are done: spins, then yields, so that oversubscribed ranks make progress.
///
/// `doing` is called for the message alone: the operation and the step, as "halo exchange of step
/// 7".
/// throws: error(no_progress) naming the operation and the silent ranks when the deadline passes;
/// error(mpi) when MPI fails. The communicator is broken then, and `requests` must outlive MPI.
inline void wait_all(communicator& comm, std::vector<pending>& requests,
                     function_ref<std::string()> doing) {
    const auto began = std::chrono::steady_clock::now();
    std::size_t first = 0;
    for (long spin = 0;; ++spin) {
        while (first < requests.size()) {
            auto& r = requests[first];
            int done = 1;
            if (r.request != MPI_REQUEST_NULL) {
                const int code = MPI_Test(&r.request, &done, MPI_STATUS_IGNORE);
                if (code != MPI_SUCCESS) {
                    comm.mark_broken();
                    check(code, "MPI_Test");
                }
            }
            if (!done) break;
            ++first;
        }
        if (first == requests.size()) break;
        if (spin < 64) continue;
        sched_yield();
        const communicator::seconds passed = std::chrono::steady_clock::now() - began;
        if (passed > comm.deadline()) {
            comm.mark_broken();
            throw error(fault::no_progress,
                        "mpar: rank " + std::to_string(comm.rank()) + ", " + doing() +
                            ": nothing from " + detail::silent_ranks(requests) + " for " +
                            std::to_string(static_cast<long>(comm.deadline().count())) + " s");
        }
    }
    requests.clear();
}

}  // namespace mpar
