// SPDX-License-Identifier: MIT
// How fast this machine is here and now, for tests of deadlines: on a busy machine they give more time; and a rank that
// stays away until the others have given up. Knows MPI; nothing of what is tested.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <chrono>

namespace mpar_test {

using clock_type = std::chrono::steady_clock;

inline double seconds_since(clock_type::time_point began) {
    return std::chrono::duration<double>(clock_type::now() - began).count();
}

/// A time within which nobody is late who does such work: `least`, or fifteen times what it takes here. requires: MPI.
template <class Work>
double patience_for(Work work, double least) {
    double most = 0;
    for (int i = 0; i < 3; ++i) {
        const auto began = clock_type::now();
        work();
        most = std::max(most, seconds_since(began));
    }
    MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return std::max(least, 15 * most);
}

inline constexpr int tag_of_farewell = 4711;

/// On the silent rank: until all others have said farewell to it.
inline void stay_away() {
    int ranks = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int i = 1; i < ranks; ++i) {
        MPI_Recv(nullptr, 0, MPI_BYTE, MPI_ANY_SOURCE, tag_of_farewell, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
    }
}
inline void farewell(int silent) {
    MPI_Send(nullptr, 0, MPI_BYTE, silent, tag_of_farewell, MPI_COMM_WORLD);
}

}  // namespace mpar_test
