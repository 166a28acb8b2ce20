// SPDX-License-Identifier: MIT
// The element-wise functions that follow a layer, as values. Knows no layer.
#pragma once

#include <mpar/core/math.hpp>

#include <string_view>

namespace mpar {

/// An element-wise function. NaN stays NaN in all of them.
struct activation {
    enum class kind { none, relu, relu6, leaky_relu, silu };

    kind which = kind::none;
    double slope = 0;  ///< of leaky_relu, for negative x

    constexpr bool operator==(const activation&) const = default;

    template <class T>
    T operator()(T x) const {
        switch (which) {
            case kind::none: return x;
            case kind::relu: return x < T(0) ? T(0) : x;
            case kind::relu6: return x < T(0) ? T(0) : x > T(6) ? T(6) : x;
            case kind::leaky_relu: return x < T(0) ? T(slope) * x : x;
            case kind::silu: return x / (T(1) + exponential(-x));
        }
        return x;
    }
};

/// The function's name, as tables spell it.
constexpr std::string_view name_of(activation::kind which) {
    switch (which) {
        case activation::kind::none: return "none";
        case activation::kind::relu: return "relu";
        case activation::kind::relu6: return "relu6";
        case activation::kind::leaky_relu: return "leaky_relu";
        case activation::kind::silu: return "silu";
    }
    return "?";
}

}  // namespace mpar
