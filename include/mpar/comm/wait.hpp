// SPDX-License-Identifier: MIT
// Waiting for other ranks, with a deadline. Knows requests; nothing of what they carry.
#pragma once

#include <mpar/comm/communicator.hpp>
#include <mpar/core/function_ref.hpp>

#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mpar {

/// A posted request and the rank that it waits for; -1: all of them.
struct pending {
    MPI_Request request = MPI_REQUEST_NULL;
    int peer = -1;
};

namespace detail {

/// The ranks that have not come, in order; requests that are done by now are looked through once more.
inline std::string silent_ranks(std::vector<pending>& requests) {
    std::set<int> silent;
    for (auto& r : requests) {
        int done = 0;
        if (r.request != MPI_REQUEST_NULL) MPI_Test(&r.request, &done, MPI_STATUS_IGNORE);
        if (r.request != MPI_REQUEST_NULL && !done && r.peer >= 0) silent.insert(r.peer);
    }
    std::string names;
    for (const int rank : silent) names += (names.empty() ? "rank " : ", ") + std::to_string(rank);
    return names.empty() ? "another rank" : names;
}

/// "300", "0.5"
inline std::string in_seconds(communicator::seconds time) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), time.count());
    return {text.data(), end.ptr};
}

}  // namespace detail

/// A value that MPI may write to: it lives until the communicator is freed, or for ever when a wait
/// has failed, for then the request may still be served.
template <class T>
class outliving {
public:
    outliving(communicator& comm, const T& value)
        : comm_(comm), value_(std::make_unique<T>(value)) {}
    outliving(const outliving&) = delete;
    outliving& operator=(const outliving&) = delete;
    ~outliving() {
        if (comm_.is_broken()) (void)value_.release();
    }

    T& operator*() { return *value_; }
    T* operator->() { return value_.get(); }

private:
    communicator& comm_;
    std::unique_ptr<T> value_;
};

/// Waits until all are done: spins, then yields, so that oversubscribed ranks make progress.
///
/// `doing` is called for the message alone: the operation and the step, as "halo exchange of step
/// 7".
/// throws: error(no_progress) naming the operation and the silent ranks when the deadline passes;
/// error(mpi) when MPI fails. The communicator is broken then, and `requests` must outlive MPI.
inline void wait_all(communicator& comm, std::vector<pending>& requests,
                     function_ref<std::string()> doing) {
    using clock = std::chrono::steady_clock;
    // A rank that was itself held up must not blame the others: of one round no more is counted.
    constexpr communicator::seconds longest_round(0.25);
    communicator::seconds passed(0);
    auto last = clock::now();
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
        const auto now = clock::now();
        passed += std::min<communicator::seconds>(now - last, longest_round);
        last = now;
        if (passed > comm.deadline()) {
            comm.mark_broken();
            throw error(fault::no_progress, "mpar: rank " + std::to_string(comm.rank()) + ", " +
                                                doing() + ": nothing from " +
                                                detail::silent_ranks(requests) + " for " +
                                                detail::in_seconds(comm.deadline()) + " s");
        }
    }
    requests.clear();
}

}  // namespace mpar
