// SPDX-License-Identifier: MIT
// ResNet-18 to -152 as torchvision has them (v1.5: the stride sits in the 3x3). Knows no weights.
#pragma once

#include <mpar/layers/activations.hpp>
#include <mpar/layers/batch_norm.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/layers/dense.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/layers/pool.hpp>
#include <mpar/net/graph/chain.hpp>

#include <array>
#include <string>
#include <type_traits>
#include <vector>

namespace mpar {

namespace resnet {

/// torchvision's names of the layers with parameters, in the order of the plan.
[[gnu::cold]] inline std::vector<std::string> torchvision_names(const std::array<int, 4>& blocks,
                                                                bool basic) {
    std::vector<std::string> names{"conv1", "bn1"};
    for (int s = 0; s < 4; ++s) {
        for (int b = 0; b < blocks[static_cast<std::size_t>(s)]; ++b) {
            const std::string block =
                "layer" + std::to_string(s + 1) + "." + std::to_string(b) + ".";
            for (int c = 1; c <= (basic ? 2 : 3); ++c) {
                names.push_back(block + "conv" + std::to_string(c));
                names.push_back(block + "bn" + std::to_string(c));
            }
            if (b == 0 && (s > 0 || !basic)) {
                names.push_back(block + "downsample.0");
                names.push_back(block + "downsample.1");
            }
        }
    }
    names.push_back("fc");
    return names;
}

// clang-format off

/// Two 3x3 convolutions around a skip: the block of ResNet-18 and -34.
template <int In, int Mid, int Stride, class P>
struct basic_block {
    static constexpr int out = Mid;
    struct body { using layers = chain<
        conv2d<In,  Mid, window<3, Stride>, P>, batch_norm<Mid>, relu,
        conv2d<Mid, Mid, window<3>,         P>, batch_norm<Mid>>; };
    struct project { using layers = chain<conv2d<In, Mid, window<1, Stride>, P>, batch_norm<Mid>>; };
    using skip = std::conditional_t<In == Mid && Stride == 1, identity, project>;
    using layers = chain<residual<body, skip>, relu>;
};

/// 1x1 down, 3x3, 1x1 up around a skip: the block of ResNet-50, -101 and -152.
template <int In, int Mid, int Stride, class P>
struct bottleneck {
    static constexpr int out = 4 * Mid;
    struct body { using layers = chain<
        conv2d<In,  Mid,     window<1>,         P>, batch_norm<Mid>, relu,
        conv2d<Mid, Mid,     window<3, Stride>, P>, batch_norm<Mid>, relu,
        conv2d<Mid, 4 * Mid, window<1>,         P>, batch_norm<4 * Mid>>; };
    struct project { using layers = chain<conv2d<In, 4 * Mid, window<1, Stride>, P>, batch_norm<4 * Mid>>; };
    using skip = std::conditional_t<In == 4 * Mid && Stride == 1, identity, project>;
    using layers = chain<residual<body, skip>, relu>;
};

/// The first block changes channels and extents, the others keep them.
template <template <int, int, int, class> class Block, int Blocks, int In, int Mid, int Stride, class P>
struct stage {
    using first = Block<In, Mid, Stride, P>;
    using layers = chain<first, repeat<Blocks - 1, Block<first::out, Mid, 1, P>>>;
};

/// Wide images are cut in rows (Early), many channels in channels (Late); 1000 ImageNet classes.
template <template <int, int, int, class> class Block, int A, int B, int C, int D, class Early, class Late>
struct imagenet_classifier {
    static constexpr std::array<int, 4> blocks{A, B, C, D};
    static constexpr int width = Block<64, 64, 1, Early>::out / 64;
    using input  = image<3, 224, 224>;
    using layers = chain<
        conv2d<3, 64, window<7, 2>, Early>, batch_norm<64>, relu, max_pool<window<3, 2>>,
        stage<Block, A, 64,           64, 1, Early>,             // [N,  64w, 56, 56]
        stage<Block, B, 64 * width,  128, 2, Early>,             // [N, 128w, 28, 28]
        stage<Block, C, 128 * width, 256, 2, Late>,              // [N, 256w, 14, 14]
        stage<Block, D, 256 * width, 512, 2, Late>,              // [N, 512w,  7,  7]
        global_avg_pool, dense<512 * width, 1000, Late>>;

    static std::vector<std::string> layer_names() { return torchvision_names(blocks, width == 1); }
};
// clang-format on

}  // namespace resnet

/// The five of torchvision. [N, 3, 224, 224] -> logits [N, 1000]. As they stand they are cut in rows
/// while images are wide and in channels from 14 x 14 on; give a policy for another choice.
// clang-format off
struct resnet18  : resnet::imagenet_classifier<resnet::basic_block, 2, 2,  2, 2, shard::rows, shard::output> {};
struct resnet34  : resnet::imagenet_classifier<resnet::basic_block, 3, 4,  6, 3, shard::rows, shard::output> {};
struct resnet50  : resnet::imagenet_classifier<resnet::bottleneck,  3, 4,  6, 3, shard::rows, shard::output> {};
struct resnet101 : resnet::imagenet_classifier<resnet::bottleneck,  3, 4, 23, 3, shard::rows, shard::output> {};
struct resnet152 : resnet::imagenet_classifier<resnet::bottleneck,  3, 8, 36, 3, shard::rows, shard::output> {};
// clang-format on

}  // namespace mpar
