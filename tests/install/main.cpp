// SPDX-License-Identifier: MIT
// The smallest program of somebody else.
#include <mpar/mpar.hpp>

#include <mpi.h>

#include <cstdio>

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank = 0, ranks = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (rank == 0) std::printf("mpar %d on %d ranks\n", MPAR_VERSION, ranks);
    MPI_Finalize();
}
