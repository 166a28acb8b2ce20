// SPDX-License-Identifier: MIT
// One small value of every rank on every rank, for reports; activations never go this way.
#pragma once

#include <mpar/comm/wait.hpp>

#include <vector>

namespace mpar {

/// before: rank 0 [a], rank 1 [b]   after: all [a b]
/// throws: error(mpi), error(no_progress) after the deadline. collective.
inline std::vector<long> all_gather(communicator& comm, long mine) {
    outliving<long> value(comm, mine);
    outliving<std::vector<long>> all(comm, std::vector<long>(std::size_t(comm.size())));
    std::vector<pending> waits(1);
    check(MPI_Iallgather(&*value, 1, MPI_LONG, all->data(), 1, MPI_LONG, comm.handle(),
                         &waits[0].request),
          "MPI_Iallgather");
    wait_all(comm, waits, [] { return std::string("all-gather"); });
    return *all;
}

}  // namespace mpar
