// SPDX-License-Identifier: MIT
// Waiting for other ranks, with a deadline. Knows requests; nothing of what they carry.
#pragma once

#include <mpar/comm/communicator.hpp>
#include <mpar/core/function_ref.hpp>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mpar {

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

/// Waits until all are done; see poll().
///
/// `doing` is called for the message alone: the operation and the step, as "halo exchange of step 7".
/// throws: error(no_progress) naming the operation and the silent ranks when the deadline passes;
/// error(mpi) when MPI fails. The communicator is broken then, and buffers must outlive MPI.
inline void wait_all(communicator& comm, std::vector<pending>& requests,
                     function_ref<std::string()> doing) {
    try {
        if (poll(requests, comm.deadline())) return requests.clear();
    } catch (const error&) {
        comm.mark_broken();
        throw;
    }
    comm.mark_broken();
    throw error(fault::no_progress, "mpar: rank " + std::to_string(comm.rank()) + ", " + doing() +
                                        ": nothing from " + detail::silent_ranks(requests) +
                                        " for " + in_words(comm.deadline()));
}

}  // namespace mpar
