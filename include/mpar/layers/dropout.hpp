// SPDX-License-Identifier: MIT
// Dropout: nothing at inference. Knows no net.
#pragma once

#include <mpar/layers/layer.hpp>

#include <ratio>

namespace mpar {

/// Sets a share of the elements to zero while training; no step at inference.
template <class Share = std::ratio<1, 2>>
struct dropout {
    static_assert(Share::num >= 0 && Share::num < Share::den,
                  "mpar: dropout's share lies in [0, 1)");
    static constexpr operation describe() {
        return {nothing_op{}, name_of<dropout>()};
    }
};

}  // namespace mpar
