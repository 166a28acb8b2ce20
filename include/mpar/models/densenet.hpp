// SPDX-License-Identifier: MIT
// DenseNet-121, -169 and -201 as torchvision has them. Knows no weights.
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
#include <utility>
#include <vector>

namespace mpar {

namespace densenet {

inline constexpr int growth = 32;

/// torchvision's names of the layers with parameters, in the order of the plan.
[[gnu::cold]] inline std::vector<std::string> torchvision_names(const std::array<int, 4>& layers) {
    std::vector<std::string> names{"features.conv0", "features.norm0"};
    for (int b = 0; b < 4; ++b) {
        const std::string number = std::to_string(b + 1);
        for (int i = 1; i <= layers[static_cast<std::size_t>(b)]; ++i) {
            const std::string layer =
                "features.denseblock" + number + ".denselayer" + std::to_string(i) + ".";
            for (const char* last : {"norm1", "conv1", "norm2", "conv2"})
                names.push_back(layer + last);
        }
        if (b == 3) break;
        names.push_back("features.transition" + number + ".norm");
        names.push_back("features.transition" + number + ".conv");
    }
    names.insert(names.end(), {"features.norm5", "classifier"});
    return names;
}

/// What files call them that were published before torch 0.4: "denselayer1.norm.1".
[[gnu::cold]] inline std::vector<std::string> old_torchvision_names(
    const std::array<int, 4>& layers) {
    auto names = torchvision_names(layers);
    for (auto& name : names) {
        if (name.find(".denselayer") != std::string::npos) name.insert(name.size() - 1, ".");
    }
    return names;
}

// clang-format off

/// `growth` channels of all that were made before: they are added to them, and none is lost.
template <int In, class P>
struct layer {
    struct grown { using layers = chain<
        batch_norm<In>, relu, conv2d<In, 4 * growth, window<1>, P>, batch_norm<4 * growth>, relu,
        conv2d<4 * growth, growth, window<3>, P>>; };
    using layers = chain<concat<identity, grown>>;
};

/// `Layers` layers, each of which reads what all before it gave: [N, In, H, W] -> [N, out, H, W].
template <int Layers, int In, class P>
struct block {
    template <int... I>
    static chain<layer<In + I * growth, P>...> grow(std::integer_sequence<int, I...>);
    using layers = decltype(grow(std::make_integer_sequence<int, Layers>{}));
    static constexpr int out = In + Layers * growth;
};

/// Half the channels, half the rows and columns.
template <int In, class P>
struct transition {
    using layers = chain<batch_norm<In>, relu, conv2d<In, In / 2, window<1>, P>,
                         avg_pool<window<2, 2, pad<0>>>>;
};

/// Wide images are cut in rows (Early), many channels in channels (Late); 1000 ImageNet classes.
template <int A, int B, int C, int D, class Early, class Late>
struct imagenet_classifier {
    using first  = block<A, 64,              Early>;             // [N,  256, 56, 56]
    using second = block<B, first::out / 2,  Early>;             // [N,  512, 28, 28]
    using third  = block<C, second::out / 2, Late>;              // [N, 1024, 14, 14] of DenseNet-121
    using fourth = block<D, third::out / 2,  Late>;              // [N, 1024,  7,  7] of DenseNet-121
    using input  = image<3, 224, 224>;
    using layers = chain<
        conv2d<3, 64, window<7, 2>, Early>, batch_norm<64>, relu, max_pool<window<3, 2>>,
        first,  transition<first::out,  Early>,
        second, transition<second::out, Late>,
        third,  transition<third::out,  Late>,
        fourth, batch_norm<fourth::out>, relu,
        global_avg_pool, dense<fourth::out, 1000, Late>>;

    static std::vector<std::string> layer_names() { return torchvision_names({A, B, C, D}); }
    static std::vector<std::vector<std::string>> other_layer_names() {
        return {old_torchvision_names({A, B, C, D})};
    }
};
// clang-format on

}  // namespace densenet

/// Three of torchvision. [N, 3, 224, 224] -> logits [N, 1000]. As they stand they are cut in rows
/// while images are wide and in channels from 14 x 14 on; give a policy for another choice.
// clang-format off
struct densenet121 : densenet::imagenet_classifier<6, 12, 24, 16, shard::rows, shard::output> {};
struct densenet169 : densenet::imagenet_classifier<6, 12, 32, 32, shard::rows, shard::output> {};
struct densenet201 : densenet::imagenet_classifier<6, 12, 48, 32, shard::rows, shard::output> {};
// clang-format on

}  // namespace mpar
