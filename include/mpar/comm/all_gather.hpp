// SPDX-License-Identifier: MIT
// Gives every rank what each of them has: a small value for reports, a block of input. Activations
// never go this way.
#pragma once

#include <mpar/comm/wait.hpp>
#include <mpar/core/growing.hpp>

#include <cstddef>
#include <vector>

namespace mpar {

/// before: rank 0 [a], rank 1 [b]   after: all [a b]
/// throws: error(mpi), error(no_progress) after the deadline. collective.
inline std::vector<long> all_gather(communicator& comm, long mine) {
    const auto ranks = static_cast<std::size_t>(comm.size());
    outliving<long> values(comm, ranks + 1);  // all, mine
    values.data()[ranks] = mine;
    growing<pending> waits(1);
    check(MPI_Iallgather(values.data() + ranks, 1, MPI_LONG, values.data(), 1, MPI_LONG,
                         comm.handle(), &waits[0].request),
          "MPI_Iallgather");
    wait_all(comm, waits, [] { return std::string("all-gather"); });
    return {values.data(), values.data() + ranks};
}

/// before: rank 0 [a ?], rank 1 [? b]   after: all [a b]
/// Block r is the `bytes` bytes at r * bytes.
/// requires: the same `bytes` on all ranks; blocks that live on, as outliving's, when this throws.
/// throws: error(mpi), error(no_progress) after the deadline. collective.
inline void all_gather(communicator& comm, std::byte* blocks, int bytes) {
    if (comm.size() == 1 || bytes == 0) return;
    growing<pending> waits(1);
    check(MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, blocks, bytes, MPI_BYTE, comm.handle(),
                         &waits[0].request),
          "MPI_Iallgather");
    wait_all(comm, waits, [] { return std::string("all-gather"); });
}

}  // namespace mpar
