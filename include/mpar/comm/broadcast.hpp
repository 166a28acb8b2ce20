// SPDX-License-Identifier: MIT
// One rank's bytes on every rank.
#pragma once

#include <mpar/comm/wait.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mpar {

/// before: root [a a], others [? ?]   after: all [a a]
/// requires: the same count on all ranks, at most 2^31-1 bytes. collective.
/// throws: error(mpi), error(no_progress) after the deadline.
inline void broadcast(communicator& comm, void* data, int bytes, int root) {
    const auto* bytes_of = static_cast<const std::byte*>(data);
    outliving<std::vector<std::byte>> copy(comm, {bytes_of, bytes_of + bytes});
    std::vector<pending> waits(1);
    check(MPI_Ibcast(copy->data(), bytes, MPI_BYTE, root, comm.handle(), &waits[0].request),
          "MPI_Ibcast");
    wait_all(comm, waits, [] { return std::string("broadcast"); });
    std::ranges::copy(*copy, static_cast<std::byte*>(data));
}

}  // namespace mpar
