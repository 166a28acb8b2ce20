// SPDX-License-Identifier: MIT
// A program's .cu file that runs a network on the host: nvcc compiles it without an error or a warning.
#include <mpar/models/load.hpp>
#include <mpar/mpar.hpp>

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    {
        mpar::network<mpar::resnet50, mpar::mesh<>, mpar::backend::cpu> net(MPI_COMM_WORLD);
        if (argc > 1) mpar::load(net, argv[1]);
    }
    MPI_Finalize();
    return 0;
}
