// SPDX-License-Identifier: MIT
// From a picture to the numbers that a network was trained on: resize, crop, normalise. Knows no
// file and no net.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/io/picture/picture_taker.hpp>
#include <mpar/io/picture/resize.hpp>
#include <mpar/io/picture/rgb_image.hpp>

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
    interpolation by = interpolation::bilinear;

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

namespace detail {

/// What the crop of an upright picture is: the size that the whole is resized to, and the part.
struct middle {
    std::int64_t width, height;
    pixel_box box;
};

/// The square in the middle of a picture of that size whose short side has been resized; the long
/// side is rounded down, the margins to the nearest even where they are half.
/// throws: error(fault::usage) unless 0 < crop <= resize <= 16,384.
inline middle middle_of(int width, int height, const preprocessing& how) {
    if (how.crop < 1 || how.crop > how.resize || how.resize > 16'384) {
        throw error(fault::usage, "mpar: preprocessing crops " + std::to_string(how.crop) +
                                      " pixels out of a side of " + std::to_string(how.resize));
    }
    const std::int64_t shorter = std::min(width, height);
    const auto margin = [&](std::int64_t side) {  // half of what is left, ties to even
        const std::int64_t rest = side - how.crop, low = rest / 2;
        return low + (rest % 2 != 0 && low % 2 != 0 ? 1 : 0);
    };
    const std::int64_t across = std::int64_t{width} * how.resize / shorter;
    const std::int64_t down = std::int64_t{height} * how.resize / shorter;
    return {across, down, {margin(across), margin(down), how.crop, how.crop}};
}

}  // namespace detail

/// The square in the middle of the picture whose short side has been resized; the long side is
/// rounded down, the margins to the nearest even where they are half. Only the square is computed.
/// throws: error(fault::usage) unless 0 < crop <= resize <= 16,384.
inline rgb_image resize_and_crop(const rgb_image& image, const preprocessing& how) {
    const auto [width, height, box] = detail::middle_of(image.width, image.height, how);
    return resized(image, width, height, box, how.by);
}

/// Resizes and crops a picture while it is decoded, so that no picture of its size is in memory.
class cropped_picture final : public picture_taker {
public:
    explicit cropped_picture(const preprocessing& how, orientation asked = orientation::exif)
        : how_(how), asked_(asked) {}

    /// throws: as resize_and_crop.
    void begin(int width, int height, int stored) override {
        const turn upright = turn::of(asked_ == orientation::exif ? stored : 1);
        const auto part = upright.transposed ? detail::middle_of(height, width, how_)
                                             : detail::middle_of(width, height, how_);
        resizer_.emplace(width, height, upright, part.width, part.height, part.box, how_.by);
    }
    void row(const std::uint8_t* pixels) override { resizer_->row(pixels); }

    /// The square, upright: what resize_and_crop makes of the whole picture. requires: all rows.
    rgb_image take() const { return resizer_->take(); }

private:
    preprocessing how_;
    orientation asked_;
    std::optional<picture_resizer> resizer_;
};

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

/// The same of its brightness, for networks of one channel: PIL's mode L, (19595 red + 38470 green +
/// 7471 blue + 32768) / 65536, by the averages of the three means and deviations: out[y][x].
/// requires: room for width * height values.
template <std::floating_point T>
void normalise_grey(const rgb_image& image, const preprocessing& how, T* out) {
    const double mean = (how.mean[0] + how.mean[1] + how.mean[2]) / 3;
    const double deviation = (how.deviation[0] + how.deviation[1] + how.deviation[2]) / 3;
    const std::size_t count = image.pixels.size() / 3;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t* p = image.pixels.data() + 3 * i;
        const unsigned level = (19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 32768u) >> 16;
        out[i] = static_cast<T>((static_cast<double>(level) / 255 - mean) / deviation);
    }
}

/// Resize, crop, normalise: out[c][y][x], 3 * crop * crop values, one image of an NCHW batch.
/// throws: as resize_and_crop.
template <std::floating_point T>
void preprocess(const rgb_image& image, const preprocessing& how, T* out) {
    normalise(resize_and_crop(image, how), how, out);
}

}  // namespace mpar::io
