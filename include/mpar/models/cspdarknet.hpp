// SPDX-License-Identifier: MIT
// CSPDarknet-53 as timm has it (cspdarknet53). Knows no weights.
#pragma once

#include <mpar/layers/activations.hpp>
#include <mpar/layers/batch_norm.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/layers/dense.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/net/graph/chain.hpp>

#include <string>
#include <vector>

namespace mpar {

namespace cspdarknet {

// clang-format off

/// Convolution, norm, activation: [N, In, H, W] -> [N, Out, H', W'].
template <int In, int Out, class Window, class P>
struct conv { using layers = chain<conv2d<In, Out, Window, P>, batch_norm<Out>, leaky_relu<>>; };

/// 1x1, 3x3 around a skip: the sum comes after the activation.
template <int Channels, int Mid, class P>
struct dark_block {
    struct body { using layers = chain<conv<Channels, Mid, window<1>, P>, conv<Mid, Channels, window<3>, P>>; };
    using layers = chain<residual<body>>;
};

/// Half of the channels pass by the blocks. `Wide`: all channels while they are halved; `Mid`: of a
/// block's middle.
template <int Blocks, int In, int Out, int Wide, int Mid, class P>
struct stage {
    static constexpr int half = Wide / 2;
    struct through { using layers = chain<
        repeat<Blocks, dark_block<half, Mid, P>>,
        conv<half, half, window<1>, P>>; };
    using layers = chain<
        conv<In, Out, window<3, 2>, P>,
        conv<Out, Wide, window<1>, P>,
        split<half, identity, through>,
        conv<Wide, Out, window<1>, P>>;
};
// clang-format on

}  // namespace cspdarknet

/// [N, 3, 224, 224] -> logits [N, 1000]. Wide images are cut in rows, from 14 x 14 on channels.
struct cspdarknet53 {
    using early = shard::rows;
    using late = shard::output;
    // clang-format off
    using input  = image<3, 224, 224>;
    using layers = chain<
        cspdarknet::conv<3, 32, window<3>, early>,
        cspdarknet::stage<1,  32,   64,  128,  32, early>,        // [N,   64, 112, 112]
        cspdarknet::stage<2,  64,  128,  128,  64, early>,        // [N,  128,  56,  56]
        cspdarknet::stage<8, 128,  256,  256, 128, early>,        // [N,  256,  28,  28]
        cspdarknet::stage<8, 256,  512,  512, 256, late>,         // [N,  512,  14,  14]
        cspdarknet::stage<4, 512, 1024, 1024, 512, late>,         // [N, 1024,   7,   7]
        global_avg_pool, dense<1024, 1000, late>>;
    // clang-format on

    /// timm's names of the layers with parameters, in the order of the plan.
    [[gnu::cold]] static std::vector<std::string> layer_names() {
        std::vector<std::string> names;
        const auto add = [&](const std::string& conv) {
            names.push_back(conv + ".conv");
            names.push_back(conv + ".bn");
        };
        add("stem.conv1");
        int number = 0;
        for (const int blocks : {1, 2, 8, 8, 4}) {
            const std::string stage = "stages." + std::to_string(number++) + ".";
            add(stage + "conv_down");
            add(stage + "conv_exp");
            for (int b = 0; b < blocks; ++b) {
                add(stage + "blocks." + std::to_string(b) + ".conv1");
                add(stage + "blocks." + std::to_string(b) + ".conv2");
            }
            add(stage + "conv_transition_b");
            add(stage + "conv_transition");
        }
        names.push_back("head.fc");
        return names;
    }
};

}  // namespace mpar
