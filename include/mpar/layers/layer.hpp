// SPDX-License-Identifier: MIT
// What a type must offer to be a layer, the library's own or yours. Knows no net.
#pragma once

#include <mpar/core/name.hpp>
#include <mpar/operators/operation.hpp>
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
/// the layer can be cut and what must be sent. forward() computes a.y from a.x; only layers of
/// these three kinds have one, the others run the backend's kernel of that name. See
/// examples/03_your_layer.
template <class L>
concept layer = requires {
    { L::describe() } -> std::same_as<operation>;
};

/// A user's layer whose every output element reads the input element at the same place.
/// It can be cut in any way.
template <class L>
constexpr custom_op elementwise() {
    custom_op o;
    o.name = name_of<L>();
    o.flops_per_output = 1;
    return o;
}

namespace detail {

/// Takes a window's values; of another type, the layer has said so.
template <class Window>
constexpr void slide(sliding& window, bool& same_padding) {
    if constexpr (window_type<Window>) {
        window = Window::value;
        same_padding = Window::same_padding;
    }
}

/// The policy that a layer's last parameter names.
template <class P>
constexpr placing asked_by() {
    if constexpr (policy_type<P>) {
        return P::value;
    } else {
        return {};
    }
}

}  // namespace detail

/// A user's layer that reads a window of rows and columns in its own channel: cut rows need halos.
template <class L, class Window>
constexpr custom_op windowed() {
    custom_op o = elementwise<L>();
    detail::slide<Window>(o.window, o.same_padding);
    return o;
}

/// A user's layer that reads all channels and gives `Out` of them: cut channels are gathered first.
template <class L, int In, int Out>
constexpr custom_op channel_mixing() {
    custom_op o = elementwise<L>();
    o.in = In;
    o.out = Out;
    o.mixes_channels = true;
    return o;
}

}  // namespace mpar
