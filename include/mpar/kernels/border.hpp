// SPDX-License-Identifier: MIT
// How rows and columns around an image are filled, as values. Knows no kernel.
#pragma once

namespace mpar {

/// What stands beyond an image's first and last row and column.
struct border {
    enum class kind {
        constant,  ///< value
        reflect,   ///< the image turned round at its edge, which is not repeated: c b | a b c | b a
        edge,      ///< the nearest row or column: a a | a b c | c c
    };

    kind with = kind::constant;
    double value = 0;

    constexpr bool operator==(const border&) const = default;
};

/// Rows (or columns) of a part of an image with its border, in the numbers of the image, whose first one
/// is 0: y's first stands for `first`, x's first is number `begin`, and the image has `extent`.
struct border_line {
    int first = 0, begin = 0, extent = 0;

    /// Which one of x's stands in y's i-th; -1: the constant.
    constexpr int source(border::kind with, int i) const {
        int at = first + i;
        if (at < 0 || at >= extent) {
            if (with == border::kind::constant) return -1;
            if (with == border::kind::edge) {
                at = at < 0 ? 0 : extent - 1;
            } else {
                at = at < 0 ? -at : 2 * (extent - 1) - at;
            }
        }
        return at - begin;
    }
};

}  // namespace mpar
