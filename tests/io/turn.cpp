// SPDX-License-Identifier: MIT
// Tests of io/picture/turn.hpp and of the picture that takes turned rows, pixel by pixel.
#include <mpar/io/picture/turn.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

namespace {

/// A picture of pixels that are told apart by one number each.
io::rgb_image numbered(int width, int height, const std::vector<int>& numbers) {
    io::rgb_image image{width, height, {}};
    for (const int n : numbers) {
        for (int c = 0; c < 3; ++c) image.pixels.push_back(static_cast<std::uint8_t>(10 * n + c));
    }
    return image;
}

}  // namespace

TEST_CASE("the eight orientations of three pixels by two") {
    const auto stored = numbered(3, 2, {1, 2, 3, 4, 5, 6});
    struct expected {
        int orientation, width;
        std::vector<int> numbers;  ///< of Pillow 13, ImageOps.exif_transpose
    };
    for (const auto& [orientation, width, numbers] :
         std::vector<expected>{{1, 3, {1, 2, 3, 4, 5, 6}},
                               {2, 3, {3, 2, 1, 6, 5, 4}},
                               {3, 3, {6, 5, 4, 3, 2, 1}},
                               {4, 3, {4, 5, 6, 1, 2, 3}},
                               {5, 2, {1, 4, 2, 5, 3, 6}},
                               {6, 2, {4, 1, 5, 2, 6, 3}},
                               {7, 2, {6, 3, 5, 2, 4, 1}},
                               {8, 2, {3, 6, 2, 5, 1, 4}},
                               {0, 3, {1, 2, 3, 4, 5, 6}},
                               {9, 3, {1, 2, 3, 4, 5, 6}}}) {
        const auto upright = io::turned(stored, io::turn::of(orientation));
        CHECK(upright.width == width);
        CHECK(upright.height == 6 / width);
        CHECK(upright.pixels == numbered(width, 6 / width, numbers).pixels);

        io::whole_picture picture;
        picture.begin(3, 2, orientation);
        picture.row(stored.pixels.data());
        picture.row(stored.pixels.data() + 9);
        CHECK(picture.take().pixels == upright.pixels);
    }
}

TEST_CASE("a turn is ignored where that is asked") {
    io::whole_picture picture(io::orientation::ignore);
    const auto stored = numbered(1, 2, {1, 2});
    picture.begin(1, 2, 6);
    picture.row(stored.pixels.data());
    picture.row(stored.pixels.data() + 3);
    CHECK(picture.take().pixels == stored.pixels);
}
