// SPDX-License-Identifier: MIT
// From a picture to the numbers that a network was trained on: resize, crop, normalise. Knows no
// file and no net.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/io/resize.hpp>
#include <mpar/io/rgb_image.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mpar::io {

/// How pictures were prepared in training; torchvision's Resize, CenterCrop, ToTensor, Normalize.
struct preprocessing {
    int resize = 256;  ///< pixels of the short side
    int crop = 224;    ///< pixels of both sides of the square in the middle
    std::array<double, 3> mean{}, deviation{};  ///< of red, green, blue in [0, 1]

    /// Mean and standard deviation of ImageNet's pictures: torchvision's networks.
    static constexpr preprocessing imagenet() {
        return {256, 224, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
    }
    /// From [0, 1] to [-1, 1]: the EfficientNet-Lite networks.
    static constexpr preprocessing half() { return {256, 224, {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}}; }
};

/// The preset of that name, "imagenet" or "half", or nothing.
constexpr std::optional<preprocessing> preprocessing_named(std::string_view name) {
    if (name == "imagenet") return preprocessing::imagenet();
    if (name == "half") return preprocessing::half();
    return std::nullopt;
}

/// The square in the middle of the picture whose short side has been resized; the long side is
/// rounded down, the margins to the nearest even where they are half. Only the square is computed.
/// throws: error(fault::usage) unless 0 < crop <= resize <= 16,384.
inline rgb_image resize_and_crop(const rgb_image& image, const preprocessing& how) {
    if (how.crop < 1 || how.crop > how.resize || how.resize > int(max_image_side)) {
        throw error(fault::usage, "mpar: preprocessing crops " + std::to_string(how.crop) +
                                      " pixels out of a side of " + std::to_string(how.resize));
    }
    const std::int64_t shorter = std::min(image.width, image.height);
    const auto resized = [&](int side) { return static_cast<int>(side * how.resize / shorter); };
    const auto margin = [&](int side) {  // half of what is left, ties to even
        const int rest = side - how.crop, low = rest / 2;
        return low + (rest % 2 != 0 && low % 2 != 0 ? 1 : 0);
    };
    const int width = resized(image.width), height = resized(image.height);
    return resize_bilinear(image, width, height,
                           {margin(width), margin(height), how.crop, how.crop});
}

/// Writes (sample / 255 - mean) / deviation as three planes, red first: out[c][y][x].
/// requires: room for 3 * width * height values.
template <std::floating_point T>
void normalise(const rgb_image& image, const preprocessing& how, T* out) {
    const std::size_t count = image.pixels.size() / 3;
    for (std::size_t c = 0; c < 3; ++c) {
        std::array<T, 256> value;
        for (std::size_t level = 0; level < value.size(); ++level) {
            value[level] =
                static_cast<T>((static_cast<double>(level) / 255 - how.mean[c]) / how.deviation[c]);
        }
        for (std::size_t i = 0; i < count; ++i) out[c * count + i] = value[image.pixels[3 * i + c]];
    }
}

/// Resize, crop, normalise: out[c][y][x], 3 * crop * crop values, one image of an NCHW batch.
/// throws: as resize_and_crop.
template <std::floating_point T>
void preprocess(const rgb_image& image, const preprocessing& how, T* out) {
    normalise(resize_and_crop(image, how), how, out);
}

}  // namespace mpar::io
