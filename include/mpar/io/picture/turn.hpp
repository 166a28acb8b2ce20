// SPDX-License-Identifier: MIT
// How a stored picture is turned upright: EXIF's eight orientations. Knows no file.
#pragma once

#include <mpar/io/picture/rgb_image.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace mpar::io {

/// Pixel (u, v) of the upright picture is the stored pixel (x, y) = (u, v), or (v, u) if transposed,
/// counted from the right and from below where the stored picture is mirrored.
struct turn {
    bool transposed = false, mirrored_x = false, mirrored_y = false;

    /// The turn of EXIF's tag 0x0112 (TIFF 6.0, Orientation); none unless it is from 1 to 8.
    static constexpr turn of(int orientation) {
        const int o = orientation >= 1 && orientation <= 8 ? orientation : 1;
        return {o >= 5, o == 2 || o == 3 || o == 7 || o == 8, o == 3 || o == 4 || o == 6 || o == 7};
    }
};

namespace detail {

/// Writes row `y` of a stored picture of width x height pixels to its place in the upright one.
inline void put_upright(const turn& how, int width, int height, int y, const std::uint8_t* row,
                        rgb_image& upright) {
    const int down = how.mirrored_y ? height - 1 - y : y;
    const auto line = static_cast<std::ptrdiff_t>(upright.width);
    // the first pixel's place, and how far apart two neighbours are
    std::ptrdiff_t at = how.transposed ? down : down * line;
    std::ptrdiff_t step = how.transposed ? line : 1;
    if (how.mirrored_x) at += (width - 1) * step, step = -step;
    std::uint8_t* to = upright.pixels.data() + 3 * at;
    for (int x = 0; x < width; ++x) {
        std::copy_n(row + 3 * static_cast<std::ptrdiff_t>(x), 3, to + 3 * x * step);
    }
}

/// A black picture that takes the upright pixels of a stored one of that size.
inline rgb_image blank_upright(const turn& how, int width, int height) {
    const auto pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    if (how.transposed) std::swap(width, height);
    return {width, height, std::vector<std::uint8_t>(3 * pixels)};
}

}  // namespace detail

/// The stored picture, turned.
inline rgb_image turned(const rgb_image& stored, const turn& how) {
    rgb_image upright = detail::blank_upright(how, stored.width, stored.height);
    for (int y = 0; y < stored.height; ++y) {
        const auto at = 3 * static_cast<std::size_t>(y) * static_cast<std::size_t>(stored.width);
        detail::put_upright(how, stored.width, stored.height, y, stored.pixels.data() + at,
                            upright);
    }
    return upright;
}

}  // namespace mpar::io
