// SPDX-License-Identifier: MIT
// EfficientNet-Lite0, as the PyPI package efficientnet_lite_pytorch has it. Knows no weights.
#pragma once

#include <mpar/layers/activations.hpp>
#include <mpar/layers/batch_norm.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/layers/dense.hpp>
#include <mpar/layers/dropout.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/net/graph/chain.hpp>

#include <ratio>
#include <string>
#include <type_traits>
#include <vector>

namespace mpar {

namespace efficientnet_lite {

/// A norm that adds 1/1000 to the variance.
template <int Channels>
using norm = batch_norm<Channels, std::ratio<1, 1000>>;

// clang-format off

/// Expand, depthwise, project: narrow ends, a wide middle that stays cut in channels under
/// shard::output.
template <int In, int Out, int Kernel, int Stride, int Expand, class P>
struct inverted_bottleneck {
    static constexpr int wide = In * Expand;
    struct expand { using layers = chain<conv2d<In, wide, window<1>, P>, norm<wide>, relu6>; };
    struct body { using layers = chain<
        std::conditional_t<Expand == 1, identity, expand>,
        depthwise_conv2d<wide, window<Kernel, Stride, same>, P>, norm<wide>, relu6,
        conv2d<wide, Out, window<1>, P>, norm<Out>>; };
    struct with_skip { using layers = chain<residual<body>>; };
    using layers = chain<std::conditional_t<In == Out && Stride == 1, with_skip, body>>;
};

/// `Blocks` bottlenecks, of which the first has the stride:
/// [N, In, H, W] -> [N, Out, H/Stride, W/Stride].
template <int Blocks, int In, int Out, int Kernel, int Stride, class P>
struct stage {
    using layers = chain<inverted_bottleneck<In, Out, Kernel, Stride, 6, P>,
                         repeat<Blocks - 1, inverted_bottleneck<Out, Out, Kernel, 1, 6, P>>>;
};
// clang-format on

}  // namespace efficientnet_lite

/// [N, 3, 224, 224], each channel (x/255 - 0.5)/0.5 -> logits [N, 1000]. Wide images are cut in
/// rows, from 14 x 14 on channels.
struct efficientnet_lite0 {
    using early = shard::rows;
    using late = shard::output;
    // clang-format off
    using input  = image<3, 224, 224>;
    using layers = chain<
        conv2d<3, 32, window<3, 2, same>, early>, efficientnet_lite::norm<32>, relu6,
        efficientnet_lite::inverted_bottleneck<32, 16, 3, 1, 1, early>,   // [N,  16, 112, 112]
        efficientnet_lite::stage<2,  16,  24, 3, 2, early>,               // [N,  24,  56,  56]
        efficientnet_lite::stage<2,  24,  40, 5, 2, early>,               // [N,  40,  28,  28]
        efficientnet_lite::stage<3,  40,  80, 3, 2, late>,                // [N,  80,  14,  14]
        efficientnet_lite::stage<3,  80, 112, 5, 1, late>,                // [N, 112,  14,  14]
        efficientnet_lite::stage<4, 112, 192, 5, 2, late>,                // [N, 192,   7,   7]
        efficientnet_lite::stage<1, 192, 320, 3, 1, late>,                // [N, 320,   7,   7]
        conv2d<320, 1280, window<1>, late>, efficientnet_lite::norm<1280>, relu6,
        global_avg_pool, dropout<std::ratio<1, 5>>, dense<1280, 1000, late>>;
    // clang-format on

    /// The package's names of the layers with parameters, in the order of the plan.
    [[gnu::cold]] static std::vector<std::string> layer_names() {
        std::vector<std::string> names{"_conv_stem", "_bn0"};
        for (int b = 0; b < 16; ++b) {
            const std::string block = "_blocks." + std::to_string(b) + ".";
            if (b > 0) names.insert(names.end(), {block + "_expand_conv", block + "_bn0"});
            names.insert(names.end(), {block + "_depthwise_conv", block + "_bn1",
                                       block + "_project_conv", block + "_bn2"});
        }
        names.insert(names.end(), {"_conv_head", "_bn1", "_fc"});
        return names;
    }

    /// timm's names. Its tf_efficientnet_lite0 is this network; its efficientnet_lite0 has the same
    /// names and shapes, but other padding and epsilon: its weights give other values here.
    [[gnu::cold]] static std::vector<std::vector<std::string>> other_layer_names() {
        std::vector<std::string> names{"conv_stem", "bn1"};
        int stage = 0;
        for (const int blocks : {1, 2, 2, 3, 3, 4, 1}) {
            for (int b = 0; b < blocks; ++b) {
                const std::string block =
                    "blocks." + std::to_string(stage) + "." + std::to_string(b) + ".";
                if (stage > 0) names.insert(names.end(), {block + "conv_pw", block + "bn1"});
                const char *norm = stage > 0 ? "bn2" : "bn1", *last = stage > 0 ? "bn3" : "bn2";
                names.insert(names.end(),
                             {block + "conv_dw", block + norm,
                              block + (stage > 0 ? "conv_pwl" : "conv_pw"), block + last});
            }
            ++stage;
        }
        names.insert(names.end(), {"conv_head", "bn2", "classifier"});
        return {names};
    }
};

}  // namespace mpar
