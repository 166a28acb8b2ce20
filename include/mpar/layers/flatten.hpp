// SPDX-License-Identifier: MIT
// Images as vectors. Knows no net.
#pragma once

#include <mpar/layers/layer.hpp>

namespace mpar {

/// [N, C, H, W] -> [N, C*H*W] in the order c, h, w. No step where H = W = 1 already.
struct flatten {
    static constexpr operation describe() {
        return {flatten_op{}, name_of<flatten>()};
    }
};

}  // namespace mpar
