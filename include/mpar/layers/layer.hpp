// SPDX-License-Identifier: MIT
// What a type must offer to be a layer, the library's own or yours. Knows no net.
#pragma once

#include <mpar/core/name.hpp>
#include <mpar/layers/operation.hpp>
#include <mpar/layers/window.hpp>

#include <concepts>

namespace mpar {

/// A layer is a struct that says what it does as a value:
///
///     struct scale {                                        // y = 2 x
///         static constexpr mpar::operation describe() { return mpar::elementwise<scale>(); }
///         template <class Backend, class T>
///         static void forward(const mpar::arguments<Backend, T>& a) { ... a.x ... a.y ... }
///     };
///
/// describe() gives the shape rule and which inputs an output reads; the plan derives from it how
/// the layer can be cut and what must be sent. forward() computes a.y from a.x; only layers of kind
/// op::custom have one, the others run the backend's kernel of that name. See
/// examples/03_your_layer.
template <class L>
concept layer = requires {
    { L::describe() } -> std::same_as<operation>;
};

/// A user's layer whose every output element reads the input element at the same place.
/// It can be cut in any way.
template <class L>
constexpr operation elementwise() {
    operation o;
    o.kind = op::custom;
    o.name = name_of<L>();
    o.flops_per_output = 1;
    return o;
}

/// A user's layer that reads a window of rows and columns in its own channel: cut rows need halos.
template <class L, class Window>
constexpr operation windowed() {
    operation o = elementwise<L>();
    o.window = Window::value;
    o.same_padding = Window::same_padding;
    return o;
}

/// A user's layer that reads all channels and gives `Out` of them: cut channels are gathered first.
template <class L, int In, int Out>
constexpr operation channel_mixing() {
    operation o = elementwise<L>();
    o.in = In;
    o.out = Out;
    o.mixes_channels = true;
    return o;
}

namespace detail {

template <class L>
constexpr operation named(op kind) {
    operation o;
    o.kind = kind;
    o.name = name_of<L>();
    return o;
}

template <class Window, class P>
constexpr operation windowed_as(operation o) {
    if constexpr (window_type<Window> && policy_type<P>) {  // else the layer has said so
        o.window = Window::value;
        o.same_padding = Window::same_padding;
        o.asks = P::value;
    }
    return o;
}

}  // namespace detail

}  // namespace mpar
