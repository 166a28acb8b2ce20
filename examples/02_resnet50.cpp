// SPDX-License-Identifier: MIT
// ResNet-50 on the ranks of a job: a type, a communicator, weights, images.
//
//     mpirun -n 4 build/release/bin/02_resnet50 [resnet50.safetensors [policy]]
//
// Without a file the weights are made from their names. Policies: none, batch, rows, output;
// without one the network keeps its layers' own: rows while images are wide, channels from 14 x 14
// on. ranks: 1 2 4
#include <mpar/models/load.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <algorithm>
#include <iostream>

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int code = 0;
    try {
        mpar::options how{.batch = 2};
        if (argc > 2) how.asked = mpar::policy_named(argv[2]);

        mpar::network<mpar::resnet50> net(MPI_COMM_WORLD, how);
        if (argc > 1) {
            mpar::load(net, argv[1]);  // torchvision's names, safetensors or .pth
        } else {
            mpar::load_seeded(net);
        }

        const std::int64_t extents[] = {2, 3, 224, 224};
        const auto images = mpar::io::seeded_values<float>("input", extents);
        const auto logits = net.forward(images);  // [2, 1000], the same bits on every rank

        if (net.rank() == 0) {
            std::cout << describe(net);
            for (int n = 0; n < 2; ++n) {
                const auto first = logits.begin() + n * 1000;
                const auto best = std::max_element(first, first + 1000);
                std::cout << "image " << n << ": class " << best - first << ", logit " << *best
                          << "\n";
            }
        }
        if (net.measured() != net.predicted()) code = 1;
    } catch (const mpar::error& e) {
        std::cerr << e.what() << "\n";
        code = int(e.kind());
    }
    MPI_Finalize();
    return code;
}
