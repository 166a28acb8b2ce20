// SPDX-License-Identifier: MIT
// Combines small values over all ranks, for agreement and reports. Activations never go this way.
#pragma once

#include <mpar/comm/wait.hpp>
#include <mpar/core/growing.hpp>

namespace mpar {

/// before: rank 0 [a], rank 1 [b]   after: all [a op b]
/// requires: the same `op` (MPI_MIN, MPI_MAX, MPI_SUM) on all ranks. collective.
/// throws: error(mpi), error(no_progress) after the deadline.
inline long all_reduce(communicator& comm, long mine, MPI_Op op) {
    outliving<long> values(comm, 2);  // mine, all
    values.data()[0] = mine;
    growing<pending> waits(1);
    check(MPI_Iallreduce(values.data(), values.data() + 1, 1, MPI_LONG, op, comm.handle(),
                         &waits[0].request),
          "MPI_Iallreduce");
    wait_all(comm, waits, [] { return std::string("all-reduce"); });
    return values.data()[1];
}

}  // namespace mpar
