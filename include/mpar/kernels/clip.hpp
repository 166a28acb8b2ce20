// SPDX-License-Identifier: MIT
// Which rows and columns of a window's input are padding, as a value. Knows no kernel.
#pragma once

#include <mpar/core/numeric.hpp>
#include <mpar/tensor/shape.hpp>
#include <mpar/tensor/taps.hpp>

#include <algorithm>

namespace mpar {

/// How many rows and columns at the edges of a view are padding: no element of the image.
struct clip {
    int top = 0, bottom = 0, left = 0, right = 0;

    constexpr range rows(int h) const { return {top, h - bottom}; }
    constexpr range columns(int w) const { return {left, w - right}; }
};

/// The taps k of a window that begins at `first` with first + dilation*k in `image`.
constexpr range taps_inside(const taps& t, int first, range image) {
    const int lo = first >= image.lo ? 0 : ceil_div(image.lo - first, t.dilation);
    const int hi = image.hi <= first ? 0 : ceil_div(image.hi - first, t.dilation);
    return {std::min(lo, t.kernel), std::max(std::min(lo, t.kernel), std::min(hi, t.kernel))};
}

}  // namespace mpar
