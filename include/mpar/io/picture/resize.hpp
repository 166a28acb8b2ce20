// SPDX-License-Identifier: MIT
// Resizing of pictures, bilinear or bicubic, antialiased, to the same bytes as PIL's, row by row. Knows
// no file.
#pragma once

#include <mpar/io/picture/rgb_image.hpp>
#include <mpar/io/picture/turn.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace mpar::io {

/// A part of a picture: `width` columns from `x`, `height` rows from `y`.
struct pixel_box {
    std::int64_t x = 0, y = 0;
    int width = 0, height = 0;
};

/// How a sample is made of those around it.
enum class interpolation { bilinear, bicubic };

namespace detail {

/// Which inputs make one output along one dimension, and with which weights.
struct resize_taps {
    int first = 0;
    std::vector<std::int32_t> weights;  ///< of 2^22 in all, up to rounding

    int end() const { return first + static_cast<int>(weights.size()); }
};

/// a * b, rounded by itself: a compiler that made a multiply-add of it and the sum that it goes into
/// would give other bytes now and then.
inline double product(double a, double b) {
    const volatile double rounded = a * b;
    return rounded;
}

inline constexpr int resize_bits = 22;  // 32 less 8 of a sample less 2 of headroom

/// What a sample weighs at `distance` >= 0 from an output's centre, of samples or, if they are
/// coarser, of outputs: a triangle, or Keys' cubic with a = -0.5 ("Cubic Convolution Interpolation for
/// Digital Image Processing", 1981), which is below zero between 1 and 2.
inline double filtered(interpolation by, double distance) {
    if (by == interpolation::bilinear) return std::max(0.0, 1.0 - distance);
    constexpr double a = -0.5;
    const double d = distance;
    if (d < 1) return product(product(product(a + 2, d) - (a + 3), d), d) + 1;
    if (d < 2) return product(product(product(d - 5, d) + 8, d) - 4, a);
    return 0;
}

/// The taps of outputs [begin, begin + count) of a line of `from` samples resized to `to`.
inline std::vector<resize_taps> taps_of(interpolation by, int from, std::int64_t to,
                                        std::int64_t begin, int count) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double coarser = std::max(scale, 1.0);
    const double support = product(by == interpolation::bilinear ? 1 : 2, coarser);
    const double inverse = 1.0 / coarser;
    std::vector<resize_taps> taps(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        const double centre = product(static_cast<double>(begin + i) + 0.5, scale);
        const int first = std::max(0, static_cast<int>(centre - support + 0.5));
        const int last = std::min(from, static_cast<int>(centre + support + 0.5));
        std::vector<double> exact(static_cast<std::size_t>(last - first));
        double sum = 0;
        for (int x = first; x < last; ++x) {
            const double distance = std::abs(product(x - centre + 0.5, inverse));
            exact[static_cast<std::size_t>(x - first)] = filtered(by, distance);
            sum += exact[static_cast<std::size_t>(x - first)];
        }
        auto& tap = taps[static_cast<std::size_t>(i)];
        tap.first = first;
        for (const double weight : exact) {
            tap.weights.push_back(static_cast<std::int32_t>(
                (weight < 0 ? -0.5 : 0.5) + product(weight / sum, 1 << resize_bits)));
        }
    }
    return taps;
}

/// The taps of a line of `from` samples that is stored the other way round.
inline void mirror(std::vector<resize_taps>& taps, int from) {
    std::ranges::reverse(taps);
    for (auto& tap : taps) {
        tap.first = from - tap.end();
        std::ranges::reverse(tap.weights);
    }
}

inline std::uint8_t rounded(std::int32_t sum) {
    return static_cast<std::uint8_t>(std::clamp(sum >> resize_bits, 0, 255));
}

/// A row of pixels from another by taps along it.
inline void weigh_row(const std::uint8_t* row, const std::vector<resize_taps>& across,
                      std::uint8_t* to) {
    for (const auto& taps : across) {
        const std::uint8_t* from = row + 3 * static_cast<std::ptrdiff_t>(taps.first);
        std::int32_t sums[3];
        std::fill_n(sums, 3, 1 << (resize_bits - 1));
        for (const std::int32_t weight : taps.weights) {
            for (int c = 0; c < 3; ++c) sums[c] += from[c] * weight;
            from += 3;
        }
        for (int c = 0; c < 3; ++c) *to++ = rounded(sums[c]);
    }
}

}  // namespace detail

/// Makes the part `box` of a picture resized to width x height while its rows come in; the rest is
/// not computed. Two passes, along the upright picture's rows first, each rounded to 8 bits
/// (Pillow's Image.resize with BILINEAR or BICUBIC). A picture that is stored turned is never held turned.
///
/// Room: the rows that one output row reads, narrowed to the box; if transposed, as they came.
class picture_resizer {
public:
    /// Of a stored picture of that size; the target and `box` are of the upright one.
    /// requires: box within width x height, none of them empty.
    picture_resizer(int stored_width, int stored_height, turn how, std::int64_t width,
                    std::int64_t height, pixel_box box, interpolation by = interpolation::bilinear)
        : turn_(how) {
        const int upright_width = how.transposed ? stored_height : stored_width;
        const int upright_height = how.transposed ? stored_width : stored_height;
        across_ = detail::taps_of(by, upright_width, width, box.x, box.width);
        down_ = detail::taps_of(by, upright_height, height, box.y, box.height);
        if (how.transposed) std::swap(across_, down_);
        if (how.mirrored_x) detail::mirror(across_, stored_width);
        if (how.mirrored_y) detail::mirror(down_, stored_height);
        for (const auto& taps : down_) rows_ = std::max(rows_, taps.weights.size());
        line_ = 3 * (how.transposed ? static_cast<std::size_t>(stored_width) : across_.size());
        kept_.resize(rows_ * line_);
        sums_.resize(line_);
        whole_line_.resize(line_);
        result_ = {static_cast<int>(across_.size()), static_cast<int>(down_.size()),
                   std::vector<std::uint8_t>(3 * across_.size() * down_.size())};
    }

    /// The next stored row.
    void row(const std::uint8_t* pixels) {
        const int y = y_++;
        if (next_ == down_.size() || y < down_[next_].first) return;
        if (turn_.transposed) {
            std::copy_n(pixels, line_, kept(y));
        } else {
            detail::weigh_row(pixels, across_, kept(y));
        }
        for (; next_ < down_.size() && down_[next_].end() == y + 1; ++next_) finish();
    }

    /// The part, upright, after the last row.
    rgb_image take() const { return turned(result_, turn_); }

private:
    /// Where row y stands among those that are kept.
    std::uint8_t* kept(int y) { return kept_.data() + static_cast<std::size_t>(y) % rows_ * line_; }

    /// Output row next_, whose inputs are there.
    void finish() {
        const auto& taps = down_[next_];
        std::ranges::fill(sums_, 1 << (detail::resize_bits - 1));
        for (int y = taps.first; y < taps.end(); ++y) {
            const std::uint8_t* from = kept(y);
            const std::int32_t weight = taps.weights[static_cast<std::size_t>(y - taps.first)];
            for (std::size_t i = 0; i < line_; ++i) sums_[i] += from[i] * weight;
        }
        std::uint8_t* to = result_.pixels.data() + next_ * 3 * across_.size();
        std::ranges::transform(sums_, turn_.transposed ? whole_line_.data() : to, detail::rounded);
        if (turn_.transposed) detail::weigh_row(whole_line_.data(), across_, to);
    }

    turn turn_;
    int y_ = 0;
    std::vector<detail::resize_taps> across_, down_;  // along stored rows, and stored columns
    std::size_t rows_ = 0, line_ = 0, next_ = 0;
    std::vector<std::uint8_t> kept_, whole_line_;
    std::vector<std::int32_t> sums_;
    rgb_image result_;
};

/// The part `box` of `image` resized to width x height. requires: as picture_resizer.
inline rgb_image resized(const rgb_image& image, std::int64_t width, std::int64_t height,
                         pixel_box box, interpolation by = interpolation::bilinear) {
    picture_resizer resizer(image.width, image.height, {}, width, height, box, by);
    for (int y = 0; y < image.height; ++y) {
        const auto at = 3 * static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width);
        resizer.row(image.pixels.data() + at);
    }
    return resizer.take();
}

/// The whole picture resized to width x height. requires: both at least 1.
inline rgb_image resized(const rgb_image& image, int width, int height,
                         interpolation by = interpolation::bilinear) {
    return resized(image, width, height, {0, 0, width, height}, by);
}

}  // namespace mpar::io
