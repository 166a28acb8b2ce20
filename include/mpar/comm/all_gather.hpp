// SPDX-License-Identifier: MIT
// One small value of every rank on every rank, for reports; activations never go this way.
#pragma once

#include <mpar/comm/wait.hpp>
#include <mpar/core/growing.hpp>

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

}  // namespace mpar
