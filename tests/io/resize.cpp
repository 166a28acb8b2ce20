// SPDX-License-Identifier: MIT
// Tests of io/picture/resize.hpp against bytes that Pillow made of the same pictures.
#include <mpar/io/picture/resize.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

namespace {

using pixels = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("small pictures are Pillow's, byte for byte") {
    const auto image = noise(5, 3, 1);
    CHECK(io::resized(image, 3, 2).pixels == pixels{131, 132, 160, 143, 110, 175, 104, 165, 132,
                                                    130, 127, 113, 175, 93, 97, 129, 133, 169});
    CHECK(io::resized(image, 5, 2).pixels ==
          pixels{139, 122, 158, 121, 146, 163, 182, 63, 193, 68, 194, 142, 130, 143, 124,
                 117, 142, 106, 147, 106, 122, 221, 82, 62,  86, 111, 158, 163, 149, 178});
    CHECK(io::resized(image, 2, 3).pixels == pixels{109, 137, 160, 121, 116, 130, 187, 97, 180, 109,
                                                    195, 180, 130, 122, 60, 165, 69, 118});
    CHECK(io::resized(image, 1, 1).pixels == pixels{142, 124, 143});
    const auto larger = io::resized(image, 9, 7);
    REQUIRE(larger.pixels.size() == 3 * 9 * 7);
    const pixels first{108, 130, 165, 105, 154, 153, 99, 195, 132, 117, 120, 166, 141, 16};
    const pixels last{92, 97, 61, 161, 194, 80, 153, 252, 91, 148};
    CHECK(pixels(larger.pixels.begin(), larger.pixels.begin() + 14) == first);
    CHECK(pixels(larger.pixels.end() - 10, larger.pixels.end()) == last);
}

TEST_CASE("the same size is the same picture") {
    const auto image = noise(17, 11, 5);
    CHECK(io::resized(image, 17, 11).pixels == image.pixels);
}

TEST_CASE("one colour stays one colour") {
    for (const int level : {0, 1, 127, 255}) {
        const io::rgb_image image{31, 23, pixels(3 * 31 * 23, static_cast<std::uint8_t>(level))};
        for (const auto& [width, height] : {std::pair{7, 40}, {64, 5}, {1, 1}, {31, 24}}) {
            const auto resized = io::resized(image, width, height);
            CHECK(resized.pixels == pixels(static_cast<std::size_t>(3 * width * height),
                                           static_cast<std::uint8_t>(level)));
        }
    }
}

TEST_CASE("a window is that part of the whole") {
    const auto image = noise(40, 30, 9);
    for (const auto& [width, height] : {std::pair{20, 15}, {63, 77}, {40, 8}}) {
        const auto whole = io::resized(image, width, height);
        const io::pixel_box box{3, 2, 11, 5};
        const auto part = io::resized(image, width, height, box);
        REQUIRE(part.width == box.width);
        for (int y = 0; y < box.height; ++y) {
            const auto from = whole.pixels.begin() + 3 * ((box.y + y) * width + box.x);
            const auto to = part.pixels.begin() + 3 * y * box.width;
            CHECK(std::equal(to, to + 3 * box.width, from));
        }
    }
}

TEST_CASE("a stored picture is resized as if it had been turned upright before") {
    for (const auto& [width, height] : {std::pair{40, 30}, {7, 61}, {33, 2}, {1, 5}}) {
        const auto stored = noise(width, height, 11);
        for (int orientation = 1; orientation <= 8; ++orientation) {
            const auto how = io::turn::of(orientation);
            const auto upright = io::turned(stored, how);
            for (const auto& [to_width, to_height] : {std::pair{20, 15}, {63, 77}, {9, 90}}) {
                const io::pixel_box box{3, 2, 5, 11};
                io::picture_resizer resizer(width, height, how, to_width, to_height, box);
                for (int y = 0; y < height; ++y) {
                    resizer.row(stored.pixels.data() + 3 * y * width);
                }
                const auto part = resizer.take();
                CHECK(part.width == box.width);
                CHECK(part.pixels == io::resized(upright, to_width, to_height, box).pixels);
            }
        }
    }
}

TEST_CASE("bicubic pictures are Pillow's, byte for byte") {
    const auto image = noise(5, 3, 1);
    const auto cubic = io::interpolation::bicubic;
    CHECK(io::resized(image, 3, 2, cubic).pixels == pixels{134, 130, 164, 142, 112, 182, 100, 169,
                                                           129, 132, 126, 110, 178, 90, 91, 129,
                                                           134, 174});
    CHECK(io::resized(image, 2, 3, cubic).pixels == pixels{107, 136, 164, 123, 113, 128, 195, 91,
                                                           178, 105, 201, 181, 126, 124, 56, 171,
                                                           65, 119});
    CHECK(io::resized(image, 1, 1, cubic).pixels == pixels{139, 124, 142});
    CHECK(io::resized(image, 5, 3, cubic).pixels == image.pixels);
    const auto larger = io::resized(image, 9, 7, cubic);
    REQUIRE(larger.pixels.size() == 3 * 9 * 7);
    const pixels first{101, 125, 171, 97, 163, 150, 91, 220, 118, 113, 121, 164, 131, 4};
    const pixels last{87, 86, 46, 170, 216, 67, 153, 255, 79, 139};
    CHECK(pixels(larger.pixels.begin(), larger.pixels.begin() + 14) == first);
    CHECK(pixels(larger.pixels.end() - 10, larger.pixels.end()) == last);
    const io::rgb_image white{31, 23, pixels(3 * 31 * 23, 255)};
    CHECK(io::resized(white, 64, 5, cubic).pixels == pixels(3 * 64 * 5, 255));
}

TEST_CASE("weights of one output add up to one") {
    for (const auto by : {io::interpolation::bilinear, io::interpolation::bicubic}) {
        for (const auto& [from, to] : {std::pair{451, 256}, {3, 1000}, {16384, 1}, {7, 7}}) {
            for (const auto& taps : io::detail::taps_of(by, from, to, 0, to)) {
                std::int64_t sum = 0;
                for (const auto weight : taps.weights) sum += weight;
                CHECK(std::abs(sum - (1 << 22)) <= std::int64_t(taps.weights.size()));
                CHECK(taps.first >= 0);
                CHECK(taps.first + int(taps.weights.size()) <= from);
            }
        }
    }
}
