// SPDX-License-Identifier: MIT
// The element-wise layers. Knows no net; the plan lets them ride on the step before.
#pragma once

#include <mpar/layers/layer.hpp>

#include <ratio>

namespace mpar {

namespace detail {

template <class L>
constexpr operation activating(activation act) {
    operation o(activate_op{}, name_of<L>());
    o.act = act;
    return o;
}

}  // namespace detail

/// y = max(x, 0); NaN stays NaN.
struct relu {
    static constexpr operation describe() {
        return detail::activating<relu>({activation::kind::relu});
    }
};

/// y = min(max(x, 0), 6).
struct relu6 {
    static constexpr operation describe() {
        return detail::activating<relu6>({activation::kind::relu6});
    }
};

/// y = x for x >= 0, else Slope * x; the slope is a std::ratio.
template <class Slope = std::ratio<1, 100>>
struct leaky_relu {
    static constexpr operation describe() {
        return detail::activating<leaky_relu>(
            {activation::kind::leaky_relu, double(Slope::num) / Slope::den});
    }
};

/// y = x / (1 + exp(-x)), also called swish.
struct silu {
    static constexpr operation describe() {
        return detail::activating<silu>({activation::kind::silu});
    }
};

}  // namespace mpar
