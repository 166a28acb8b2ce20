// SPDX-License-Identifier: MIT
// Bilinear resizing of pictures, antialiased, to the same bytes as PIL's. Knows no file.
#pragma once

#include <mpar/io/rgb_image.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mpar::io {

/// A part of a picture: `width` columns from `x`, `height` rows from `y`.
struct pixel_box {
    int x = 0, y = 0, width = 0, height = 0;
};

namespace detail {

/// Which inputs make one output along one dimension, and with which weights.
struct resize_taps {
    int first = 0;
    std::vector<std::int32_t> weights;  ///< of 2^22 in all, up to rounding
};

/// a * b, rounded by itself: a compiler that made a multiply-add of it and the sum that it goes into
/// would give other bytes now and then.
inline double product(double a, double b) {
    const volatile double rounded = a * b;
    return rounded;
}

inline constexpr int resize_bits = 22;  // 32 less 8 of a sample less 2 of headroom

/// The taps of outputs [begin, begin + count) of a line of `from` samples resized to `to`: a
/// triangle around the output's centre whose half width is one sample, of the input or, if that is
/// coarser, of the output.
inline std::vector<resize_taps> triangle_taps(int from, int to, int begin, int count) {
    const double scale = static_cast<double>(from) / to;
    const double support = std::max(scale, 1.0);
    const double inverse = 1.0 / support;
    std::vector<resize_taps> taps(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        const double centre = product(begin + i + 0.5, scale);
        const int first = std::max(0, static_cast<int>(centre - support + 0.5));
        const int last = std::min(from, static_cast<int>(centre + support + 0.5));
        std::vector<double> exact(static_cast<std::size_t>(last - first));
        double sum = 0;
        for (int x = first; x < last; ++x) {
            const double distance = std::abs(product(x - centre + 0.5, inverse));
            exact[static_cast<std::size_t>(x - first)] = std::max(0.0, 1.0 - distance);
            sum += exact[static_cast<std::size_t>(x - first)];
        }
        auto& tap = taps[static_cast<std::size_t>(i)];
        tap.first = first;
        for (const double weight : exact) {
            tap.weights.push_back(
                static_cast<std::int32_t>(0.5 + product(weight / sum, 1 << resize_bits)));
        }
    }
    return taps;
}

/// One output pixel from pixels `step` bytes apart.
inline void weigh(const std::uint8_t* from, std::size_t step, const resize_taps& taps,
                  std::uint8_t* to) {
    std::int32_t sums[3];
    std::fill_n(sums, 3, 1 << (resize_bits - 1));
    for (const std::int32_t weight : taps.weights) {
        for (int c = 0; c < 3; ++c) sums[c] += from[c] * weight;
        from += step;
    }
    for (int c = 0; c < 3; ++c) {
        to[c] = static_cast<std::uint8_t>(std::clamp(sums[c] >> resize_bits, 0, 255));
    }
}

}  // namespace detail

/// The part `box` of `image` resized to width x height; the rest is not computed. Two passes, along
/// rows first, each rounded to 8 bits (Pillow's Image.resize with BILINEAR).
/// requires: box within width x height, none of them empty.
inline rgb_image resize_bilinear(const rgb_image& image, int width, int height, pixel_box box) {
    const auto across = detail::triangle_taps(image.width, width, box.x, box.width);
    const auto down = detail::triangle_taps(image.height, height, box.y, box.height);
    const int first_row = down.front().first;
    const int last_row = down.back().first + static_cast<int>(down.back().weights.size());

    const auto bytes = [](int pixels) { return 3 * static_cast<std::size_t>(pixels); };
    std::vector<std::uint8_t> narrowed(bytes(box.width) *
                                       static_cast<std::size_t>(last_row - first_row));
    std::uint8_t* to = narrowed.data();
    for (int y = first_row; y < last_row; ++y) {
        const auto* row = image.pixels.data() + bytes(image.width) * static_cast<std::size_t>(y);
        for (const auto& taps : across) {
            detail::weigh(row + bytes(taps.first), 3, taps, to);
            to += 3;
        }
    }

    rgb_image result{
        box.width, box.height,
        std::vector<std::uint8_t>(bytes(box.width) * static_cast<std::size_t>(box.height))};
    to = result.pixels.data();
    for (const auto& taps : down) {
        const auto* column =
            narrowed.data() + bytes(box.width) * static_cast<std::size_t>(taps.first - first_row);
        for (int x = 0; x < box.width; ++x) {
            detail::weigh(column + bytes(x), bytes(box.width), taps, to);
            to += 3;
        }
    }
    return result;
}

/// The whole picture resized to width x height. requires: both at least 1.
inline rgb_image resize_bilinear(const rgb_image& image, int width, int height) {
    return resize_bilinear(image, width, height, {0, 0, width, height});
}

}  // namespace mpar::io
