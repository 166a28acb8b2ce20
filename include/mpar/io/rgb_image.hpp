// SPDX-License-Identifier: MIT
// A picture in memory and how large one may be. Knows no file format.
#pragma once

#include <mpar/io/refusal.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mpar::io {

/// 8 bits a channel; pixel (x, y) is the three bytes at 3 * (y * width + x): red, green, blue.
struct rgb_image {
    int width = 0, height = 0;
    std::vector<std::uint8_t> pixels = {};
};

/// What no picture may exceed, checked before memory is taken for it.
inline constexpr std::uint64_t max_image_side = 16'384;
inline constexpr std::uint64_t max_image_pixels = 50'000'000;
inline constexpr std::size_t max_image_file_bytes = std::size_t(256) << 20;

namespace detail {

/// A black picture of that size. throws: by `refuse` when it would be empty or too large.
inline rgb_image blank_image(std::uint64_t width, std::uint64_t height, const refusal& refuse) {
    const std::string size = std::to_string(width) + " x " + std::to_string(height);
    if (width == 0 || height == 0) refuse("the image is empty: " + size + " pixels");
    if (width > max_image_side || height > max_image_side) {
        refuse("the image is " + size + " pixels, more than " + std::to_string(max_image_side) +
               " a side");
    }
    if (width * height > max_image_pixels) {
        refuse("the image is " + size + " pixels, more than " + std::to_string(max_image_pixels) +
               " in all");
    }
    return {static_cast<int>(width), static_cast<int>(height),
            std::vector<std::uint8_t>(3 * width * height)};
}

}  // namespace detail

}  // namespace mpar::io
