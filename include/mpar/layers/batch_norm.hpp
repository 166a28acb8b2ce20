// SPDX-License-Identifier: MIT
// Batch normalisation at inference. Knows no net; folding it into the layer before is the plan's
// work.
#pragma once

#include <mpar/layers/layer.hpp>

#include <ratio>

namespace mpar {

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, per channel, with the running
/// statistics.
///
/// Epsilon is a std::ratio: torchvision has 1e-5, TensorFlow's models 1e-3. After a convolution or
/// dense layer it costs nothing (folded into its weights); elsewhere 2 flops an element. Never
/// communicates.
template <int Channels, class Epsilon = std::ratio<1, 100000>>
struct batch_norm {
    static_assert(Channels > 0, "mpar: batch_norm has at least one channel");

    static constexpr operation describe() {
        batch_norm_op o;
        o.channels = Channels;
        o.epsilon = double(Epsilon::num) / Epsilon::den;
        return {o, name_of<batch_norm>()};
    }
};

}  // namespace mpar
