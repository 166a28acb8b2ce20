// SPDX-License-Identifier: MIT
// A small network that a program has several times, from units compiled for other ISAs. Knows no ISA.
#pragma once

#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <string>
#include <vector>

namespace mpar_test::isas {

using namespace mpar;

/// A layer for each kind of kernel: few channels, Winograd's tiles, pairs of products, groups, depthwise, dense.
struct small {
    struct arms {
        using layers =
            chain<conv2d<64, 64, window<3>>, batch_norm<64>, silu, conv2d<64, 64, window<1>>>;
    };
    using input = image<3, 32, 28>;
    using layers = chain<conv2d<3, 64, window<7, 2>>, batch_norm<64>, relu, max_pool<window<3, 2>>,
                         residual<arms, identity>, relu, conv2d<64, 64, window<3>, groups<64>>,
                         relu6, conv2d<64, 96, window<3, 2>, groups<2>>, avg_pool<window<2, 2>>,
                         global_avg_pool, dense<96, 10>, softmax>;
};

/// Fast and exact, one after the other, on this rank alone.
template <class Backend>
std::vector<float> outputs() {
    std::vector<float> all;
    for (const bool exact : {false, true}) {
        network<small, mesh<>, Backend> net(MPI_COMM_SELF, {.batch = 2, .exact = exact});
        load_seeded(net);
        const std::int64_t extents[] = {2, 3, 32, 28};
        const auto y = net.forward(io::seeded_values<float>("input", extents));
        all.insert(all.end(), y.begin(), y.end());
    }
    return all;
}

/// A unit's share of the program.
struct unit {
    std::string kernels;  ///< their namespace
    std::string isa;
    std::vector<float> (*run)();
};

/// Those that were linked.
std::vector<unit>& units();

}  // namespace mpar_test::isas
