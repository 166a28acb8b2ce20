// SPDX-License-Identifier: MIT
// A net of your own with trained weights from PyTorch: how its parameters are called.
//
//     mpirun -n 2 build/release/examples/05_own_net examples/05_own_net.pth
//
// The file is a checkpoint of data-parallel training, as torch.save writes it: "epoch" and "loss"
// stand beside "model_state_dict", and each name in there begins with "module.". 05_own_net.py
// makes it.
// ranks: 1 2 4
#include <mpar/io/seeded.hpp>
#include <mpar/models/load.hpp>
#include <mpar/mpar.hpp>

#include <cmath>
#include <iostream>

using namespace mpar::nets;

// clang-format off
struct block {
    struct body { using layers = chain<
        conv2d<4, 4, window<3>, shard::rows>, batch_norm<4>, relu,
        conv2d<4, 4, window<3>, shard::rows>, batch_norm<4>>; };
    using layers = chain<residual<body>, relu>;
};

struct own_net {
    using input  = image<1, 12, 12>;
    using layers = chain<
        conv2d<1, 4, window<3, 2>, shard::rows>, batch_norm<4>, relu,      // [N, 4, 6, 6]
        block,                                                             // [N, 4, 6, 6]
        global_avg_pool, dense<4, 3, shard::output>>;                      // [N, 3]

    // What the module in Python calls its layers: one name for each layer that has parameters, in
    // the order of the chain, a residual's body before its skip. The file's names are these and
    // ".weight", ".bias", ".running_mean", ".running_var".
    static std::vector<std::string> layer_names() {
        return {"stem.conv",   "stem.norm",
                "block.conv1", "block.norm1", "block.conv2", "block.norm2",
                "head"};
    }
};
// clang-format on

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int code = 0;
    try {
        const std::string file = argc > 1 ? argv[1] : "examples/05_own_net.pth";
        network<own_net> net(MPI_COMM_WORLD), alone(MPI_COMM_SELF);
        load(net, file);    // takes the state dict, and "module." off its names
        load(alone, file);  // {file, "model_state_dict"} would say which, were there several

        const std::int64_t extents[] = {1, 1, 12, 12};
        const auto x = mpar::io::seeded_values<float>("input", extents);
        const auto y = net.forward(x);  // [1, 3], whole on all ranks
        const bool same = y == alone.forward(x);

        // Without layer_names() each layer is called by its positions in the chains around it.
        const auto positions = parameter_names(net.steps(), {});
        const auto names = parameter_names(net.steps(), own_net::layer_names());
        if (net.rank() == 0) {
            for (std::size_t i = 0; i < names.size(); ++i) {
                std::cout << names[i] << ", by its position " << positions[i] << "\n";
            }
            std::cout << "logits: " << y[0] << " " << y[1] << " " << y[2]
                      << "\nequal to one rank, bit for bit: " << (same ? "yes" : "no") << "\n";
        }
        // What these weights make of that input in double precision, by the formulas.
        const float wanted[] = {0.0187118f, 0.1244496f, -0.5394534f};
        bool right = true;
        for (std::size_t c = 0; c < 3; ++c) right = right && std::abs(y[c] - wanted[c]) < 1e-5f;
        code = same && right ? 0 : 1;
    } catch (const mpar::error& e) {
        std::cerr << e.what() << "\n";
        code = int(e.kind());
    }
    MPI_Finalize();
    return code;
}
