// SPDX-License-Identifier: MIT
// A picture in memory and how large one may be. Knows no file format.
#pragma once

#include <mpar/io/parse/refusal.hpp>

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

/// What no picture may exceed, checked before memory is taken for it: the pixels are PIL's limit, the
/// sides libpng's.
inline constexpr std::uint64_t max_image_side = 1'000'000;
inline constexpr std::uint64_t max_image_pixels = 178'956'970;
inline constexpr std::size_t max_image_file_bytes = std::size_t(1) << 30;

namespace detail {

/// throws: by `refuse` when a picture of that size would be empty or too large.
inline void require_size(std::uint64_t width, std::uint64_t height, const refusal& refuse) {
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
}

}  // namespace detail

}  // namespace mpar::io
