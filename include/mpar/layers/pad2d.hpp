// SPDX-License-Identifier: MIT
// Rows and columns around an image as a layer. Knows no net.
#pragma once

#include <mpar/layers/layer.hpp>
#include <mpar/layers/window.hpp>

#include <concepts>
#include <ratio>

namespace mpar {

/// What fills the border of pad2d: a constant, the image turned round at its edge (which is not
/// repeated), or its nearest row and column.
template <class Value = std::ratio<0>>
struct fill_constant {
    static constexpr border value{border::kind::constant, double(Value::num) / Value::den};
};
struct fill_reflect {
    static constexpr border value{border::kind::reflect};
};
struct fill_edge {
    static constexpr border value{border::kind::edge};
};

/// What fills a border: fill_constant<>, fill_reflect or fill_edge.
template <class F>
concept fill_type = requires {
    { F::value } -> std::convertible_to<border>;
};

/// y = x with the rows and columns of a pad<...> around it.
///
/// x [N, C, H, W] -> y [N, C, H + Top + Bottom, W + Left + Right]. A reflecting border is narrower than
/// the image. Policies: shard::follow (default: as its input is cut), none, batch, rows, cols, tiles,
/// output (channels). Cost: a copy; with cut rows, the rows that the border repeats.
template <class Padding, class Fill = fill_constant<>, class Policy = shard::follow>
struct pad2d {
    static_assert(detail::padding_of<Padding>::known,
                  "mpar: the first parameter of pad2d is pad<...>");
    static_assert(
        fill_type<Fill>,
        "mpar: the second parameter of pad2d is fill_constant<>, fill_reflect or fill_edge");
    static_assert(policy_type<Policy>,
                  "mpar: the third parameter of pad2d is a policy of mpar::shard");

    static constexpr operation describe() {
        sliding s;
        detail::padding_of<Padding>::apply(s);
        pad_op o;
        o.margin = {s.h.before, s.h.after, s.w.before, s.w.after};
        o.how = Fill::value;
        return {o, name_of<pad2d>(), detail::asked_by<Policy>()};
    }
};

}  // namespace mpar
