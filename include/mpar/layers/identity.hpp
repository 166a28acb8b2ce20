// SPDX-License-Identifier: MIT
// The layer that does nothing: the skip of a residual block. Knows no net.
#pragma once

#include <mpar/layers/layer.hpp>

namespace mpar {

/// y = x; no step.
struct identity {
    static constexpr operation describe() {
        return {nothing_op{}, name_of<identity>()};
    }
};

}  // namespace mpar
