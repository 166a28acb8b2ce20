// SPDX-License-Identifier: MIT
// What decoders hand their rows to, and the one that keeps them all. Knows no format.
#pragma once

#include <mpar/io/picture/rgb_image.hpp>
#include <mpar/io/picture/turn.hpp>

#include <cstdint>
#include <utility>

namespace mpar::io {

/// Takes a picture from its decoder row by row, from the top as the file has them, so that no
/// decoder needs room for all of it. What a call throws ends the decoding.
class picture_taker {
public:
    virtual ~picture_taker() = default;
    /// Once, before any row: the stored size, within the limits, and EXIF's orientation, 1 to 8.
    virtual void begin(int width, int height, int orientation) = 0;
    /// `width` pixels, each red, green, blue.
    virtual void row(const std::uint8_t* pixels) = 0;
};

/// What becomes of a picture that its file says lies on its side: `exif` turns it upright, `ignore`
/// takes it as it is stored (torchvision's behaviour).
enum class orientation { exif, ignore };

/// Keeps the whole picture, upright: 3 bytes a pixel, no further copy.
class whole_picture final : public picture_taker {
public:
    explicit whole_picture(orientation asked = orientation::exif) : asked_(asked) {}

    void begin(int width, int height, int stored) override {
        turn_ = turn::of(asked_ == orientation::exif ? stored : 1);
        width_ = width, height_ = height, y_ = 0;
        image_ = detail::blank_upright(turn_, width, height);
    }
    void row(const std::uint8_t* pixels) override {
        detail::put_upright(turn_, width_, height_, y_++, pixels, image_);
    }

    rgb_image take() { return std::move(image_); }

private:
    orientation asked_;
    turn turn_;
    int width_ = 0, height_ = 0, y_ = 0;
    rgb_image image_;
};

}  // namespace mpar::io
