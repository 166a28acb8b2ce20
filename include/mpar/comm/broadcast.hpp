// SPDX-License-Identifier: MIT
// Copies one rank's bytes to every rank. Knows no tensor.
#pragma once

#include <mpar/comm/wait.hpp>
#include <mpar/core/growing.hpp>

#include <cstddef>
#include <cstring>

namespace mpar {

/// before: root [a a], others [? ?]   after: all [a a]
/// requires: the same count on all ranks, at most 2^31-1 bytes. collective.
/// throws: error(mpi), error(no_progress) after the deadline.
inline void broadcast(communicator& comm, void* data, int bytes, int root) {
    if (bytes == 0) return;
    const auto count = static_cast<std::size_t>(bytes);
    outliving<std::byte> copy(comm, count);
    std::memcpy(copy.data(), data, count);
    growing<pending> waits(1);
    check(MPI_Ibcast(copy.data(), bytes, MPI_BYTE, root, comm.handle(), &waits[0].request),
          "MPI_Ibcast");
    wait_all(comm, waits, [] { return std::string("broadcast"); });
    std::memcpy(data, copy.data(), count);
}

}  // namespace mpar
