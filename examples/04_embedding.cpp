// SPDX-License-Identifier: MIT
// A network inside of an MPI code that splits its own communicator and owns its own data.
//
//     mpirun -n 4 build/release/bin/04_embedding
//
// Half of the ranks step a heat equation whose rows are cut among them; on their communicator a
// small network looks at the field where it lies: each rank passes its own rows, halos travel as
// needed. The other half does something else meanwhile and never meets mpar.
// ranks: 1 2 3 4
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <cmath>
#include <iostream>
#include <vector>

using namespace mpar::nets;

// clang-format off
struct front_detector {
    using input  = image<1, 45, 64, shard::rows>;               // each rank passes its own rows
    using layers = chain<
        conv2d<1, 8, window<5>, shard::rows>, leaky_relu<>,
        max_pool<window<2, 2, padding<0>>>,
        conv2d<8, 2, window<3>, shard::rows>,
        softmax>;                                               // [2, 22, 32], whole on every rank
};
// clang-format on

/// The solver's own rows with one more on either side, and its own messages on its own
/// communicator.
struct heat {
    static constexpr int width = 64;
    std::vector<float> field;  // (rows + 2) x width
    mpar::range rows;

    heat(mpar::range mine) : field(std::size_t(mine.size() + 2) * width), rows(mine) {
        for (int h = rows.lo; h < rows.hi; ++h)
            for (int w = 0; w < width; ++w)
                at(h, w) = std::sin(0.3f * float(h)) * std::cos(0.2f * float(w));
    }
    float& at(int h, int w) { return field[std::size_t(h - rows.lo + 1) * width + std::size_t(w)]; }

    void step(MPI_Comm comm) {
        int rank = 0, ranks = 1;
        MPI_Comm_rank(comm, &rank);
        MPI_Comm_size(comm, &ranks);
        const int up = rank ? rank - 1 : MPI_PROC_NULL,
                  down = rank + 1 < ranks ? rank + 1 : MPI_PROC_NULL;
        MPI_Sendrecv(&at(rows.lo, 0), width, MPI_FLOAT, up, 7, &at(rows.hi, 0), width, MPI_FLOAT,
                     down, 7, comm, MPI_STATUS_IGNORE);
        MPI_Sendrecv(&at(rows.hi - 1, 0), width, MPI_FLOAT, down, 7, &at(rows.lo - 1, 0), width,
                     MPI_FLOAT, up, 7, comm, MPI_STATUS_IGNORE);
        const auto before = field;
        for (std::size_t i = width; i + width < field.size(); ++i)
            field[i] += 0.1f * (before[i - width] + before[i + width] - 2 * before[i]);
    }
};

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int world = 0, size = 1, code = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &world);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const bool solves = world < (size + 1) / 2;
    MPI_Comm mine = MPI_COMM_NULL;
    MPI_Comm_split(MPI_COMM_WORLD, solves ? 0 : 1, world, &mine);
    try {
        if (solves) {
            network<front_detector> net(mine);
            load_seeded(net);
            const mpar::box part = net.input_box();  // the rows that the network expects of this rank
            heat solver(part.h);
            std::vector<float> fronts(std::size_t(net.output_shape().count()));
            for (int i = 0; i < 5; ++i) {
                solver.step(mine);
                const float* own_rows =
                    solver.field.data() + heat::width;  // no copy: a view of the solver's memory
                net.forward(mpar::dense_view(own_rows, part.extents()),
                            mpar::dense_view(fronts.data(), net.output_shape()));
            }
            if (net.rank() == 0) {
                std::cout << "probability of a front in the middle: " << fronts[11 * 32 + 16]
                          << "; one forward moves " << net.predicted().bytes_received
                          << " bytes to this rank\n";
            }
        }
    } catch (const mpar::error& e) {
        std::cerr << e.what() << "\n";
        code = int(e.kind());
    }
    MPI_Comm_free(&mine);
    MPI_Finalize();
    return code;
}
