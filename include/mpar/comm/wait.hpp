// SPDX-License-Identifier: MIT
// Waiting for other ranks, with a deadline. Knows requests; nothing of what they carry.
#pragma once

#include <mpar/comm/communicator.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/tensor/memory.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

namespace mpar {

namespace detail {

/// The ranks that have not come, in order. It asks the requests once more, as some may be done by
/// now.
[[gnu::cold]] inline std::string silent_ranks(growing<pending>& requests) {
    growing<int> silent;
    for (auto& r : requests) {
        int done = 0;
        if (r.request != MPI_REQUEST_NULL) MPI_Test(&r.request, &done, MPI_STATUS_IGNORE);
        if (r.request != MPI_REQUEST_NULL && !done && r.peer >= 0) silent.push_back(r.peer);
    }
    std::sort(silent.begin(), silent.end());
    silent.erase(std::unique(silent.begin(), silent.end()), silent.end());
    std::string names;
    for (const int rank : silent) names += (names.empty() ? "rank " : ", ") + std::to_string(rank);
    return names.empty() ? "another rank" : names;
}

}  // namespace detail

/// Values that MPI may write to. They live as long as this, or for ever when a wait has failed,
/// because the request may still be served then.
template <class T>
class outliving {
public:
    outliving(communicator& comm, std::size_t count) : comm_(comm), values_(count) {}
    outliving(const outliving&) = delete;
    outliving& operator=(const outliving&) = delete;
    ~outliving() {
        if (comm_.is_broken()) values_.forget();
    }

    T* data() { return values_.data(); }

private:
    communicator& comm_;
    buffer<T> values_;
};

/// Waits until all are done; see poll().
///
/// `doing` is called for the message alone: the operation and the step, as "halo exchange of step 7".
/// throws: error(no_progress) naming the operation and the silent ranks when the deadline passes;
/// error(mpi) when MPI fails. The communicator is broken then, and buffers must outlive MPI.
inline void wait_all(communicator& comm, growing<pending>& requests,
                     function_ref<std::string()> doing) {
    try {
        if (poll(requests, comm.deadline())) return;
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
