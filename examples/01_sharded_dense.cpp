// SPDX-License-Identifier: MIT
// A dense layer whose outputs are spread over the ranks.
//
//     mpirun -n 2 build/release/bin/01_sharded_dense
//
// Each rank keeps 1/P of both weight matrices and computes 1/P of each product; what the next layer
// reads is gathered before it. The plan below shows where, and how many bytes that costs.
// ranks: 1 2 4
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <cmath>
#include <iostream>

using namespace mpar::nets;

// clang-format off
struct perceptron {
    using input  = image<512, 1, 1>;                       // a vector is an image of one pixel
    using layers = chain<
        dense<512, 1024, shard::output>, relu,             // weights per rank: 1024/P x 512
        dense<1024, 10, shard::output>,                    // gathers 1024 features first
        softmax>;                                          // gathers 10
};
// clang-format on

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int code = 0;
    try {
        // Any number of ranks: the mesh is dynamic. The library works on a duplicate of WORLD.
        network<perceptron> net(MPI_COMM_WORLD, {.batch = 3});

        // Weights come from anywhere: here from a formula, as rows of [Out, In].
        load_seeded(net);

        const std::int64_t extents[] = {3, 512, 1, 1};
        const auto x =
            mpar::io::seeded_values<float>("input", extents);  // [3, 512], the same on all ranks
        const auto y = net.forward(x);                   // [3, 10], whole on all ranks

        // One rank alone computes the same bits.
        network<perceptron> alone(MPI_COMM_SELF, {.batch = 3});
        load_seeded(alone);
        const bool same = alone.forward(x) == y;

        if (net.rank() == 0) {
            std::cout << describe(net) << "\nprobabilities of the first vector:";
            for (int c = 0; c < 10; ++c) std::cout << ' ' << y[std::size_t(c)];
            std::cout << "\nweights on this rank: " << net.weights_bytes()
                      << " bytes; alone: " << alone.weights_bytes()
                      << "\nequal to one rank, bit for bit: " << (same ? "yes" : "no") << "\n";
        }
        code = same && net.measured() == net.predicted() ? 0 : 1;
    } catch (const mpar::error& e) {
        std::cerr << e.what() << "\n";
        code = int(e.kind());
    }
    MPI_Finalize();
    return code;
}
