// SPDX-License-Identifier: MIT
// Windows as types: window<3>, window<7, 2>, window<3, 2, pad<0, 1>>. Knows no layer.
#pragma once

#include <mpar/tensor/taps.hpp>

#include <concepts>
#include <type_traits>

namespace mpar {

/// Padding (K-1)/2 * dilation on all sides: a stride of 1 keeps the extents.
struct centred {};

/// TensorFlow's SAME: as much padding as makes out = ceil(in / stride), the odd row or column at
/// the end.
struct same {};

/// Padding in rows and columns, before and after: pad<1>, pad<0, 1>, pad<Top, Bottom, Left, Right>.
template <int Top, int Bottom = Top, int Left = Top, int Right = Bottom>
struct pad {
    static_assert(Top >= 0 && Bottom >= 0 && Left >= 0 && Right >= 0,
                  "mpar: padding is not negative");
};

/// Distance of the taps: 1 is a dense window.
template <int Rows, int Columns = Rows>
struct dilation {
    static_assert(Rows > 0 && Columns > 0, "mpar: a window's dilation is positive");
};

namespace detail {

/// A parameter of another kind is refused by window_of, in words.
template <class Padding>
struct padding_of {
    static constexpr bool known = false;
    static constexpr void apply(sliding&) {}
};
template <>
struct padding_of<centred> {
    static constexpr bool known = true;
    static constexpr void apply(sliding& s) {
        s.h.before = s.h.after = (s.h.kernel - 1) / 2 * s.h.dilation;
        s.w.before = s.w.after = (s.w.kernel - 1) / 2 * s.w.dilation;
    }
};
template <>
struct padding_of<same> {
    static constexpr bool known = true;
    static constexpr void apply(sliding&) {}
};
template <int Top, int Bottom, int Left, int Right>
struct padding_of<pad<Top, Bottom, Left, Right>> {
    static constexpr bool known = true;
    static constexpr void apply(sliding& s) {
        s.h.before = Top, s.h.after = Bottom, s.w.before = Left, s.w.after = Right;
    }
};

template <class Dilation>
struct dilation_of {
    static constexpr bool known = false;
    static constexpr int rows = 1, columns = 1;
};
template <int Rows, int Columns>
struct dilation_of<dilation<Rows, Columns>> {
    static constexpr bool known = true;
    static constexpr int rows = Rows, columns = Columns;
};

template <int Kh, int Kw, int Sh, int Sw, class Padding, class Dilation>
struct window_of {
    static_assert(padding_of<Padding>::known,
                  "mpar: a window's third parameter is its padding: centred, same or pad<...>");
    static_assert(dilation_of<Dilation>::known,
                  "mpar: a window's fourth parameter is dilation<...>");
    static_assert(sizeof(Padding) > 0 && sizeof(Dilation) > 0);  // complete: they check themselves
    static_assert(Kh > 0 && Kw > 0, "mpar: a window has at least one row and column");
    static_assert(Sh > 0 && Sw > 0, "mpar: a window's stride is positive");
    static constexpr bool same_padding = std::is_same_v<Padding, same>;
    static constexpr sliding value = [] {
        sliding s{{Kh, Sh, dilation_of<Dilation>::rows}, {Kw, Sw, dilation_of<Dilation>::columns}};
        padding_of<Padding>::apply(s);
        return s;
    }();
};

}  // namespace detail

/// A square window of K x K taps.
template <int K, int Stride = 1, class Padding = centred, class Dilation = dilation<1>>
struct window : detail::window_of<K, K, Stride, Stride, Padding, Dilation> {};

/// The extents of an oblong window and its strides: oblong<kernel<3, 5>, stride<1, 2>>.
template <int Rows, int Columns>
struct kernel {
    static constexpr int rows = Rows, columns = Columns;
};
template <int Rows, int Columns>
struct stride {
    static constexpr int rows = Rows, columns = Columns;
};

/// A window of any extents and strides.
template <class Kernel, class Stride = stride<1, 1>, class Padding = centred,
          class Dilation = dilation<1>>
struct oblong : detail::window_of<Kernel::rows, Kernel::columns, Stride::rows, Stride::columns,
                                  Padding, Dilation> {};

/// A window of a convolution or pool: window<...> or oblong<...>.
template <class W>
concept window_type = requires {
    { W::value } -> std::convertible_to<sliding>;
    { W::same_padding } -> std::convertible_to<bool>;
};

}  // namespace mpar
