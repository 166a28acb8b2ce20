// SPDX-License-Identifier: MIT
// Tests of io/png.hpp: every kind of pixel becomes RGB, and files that must be refused.
#include <mpar/io/png.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

namespace {

using pixels = std::vector<std::uint8_t>;

const io::refusal refuse(fault::input, "picture.png");

io::rgb_image decode(const std::string& file) {
    return io::decode_png(std::as_bytes(std::span(file)), refuse);
}

struct bad_file {
    const char* words;
    std::string bytes;
};

}  // namespace

TEST_CASE("RGB comes back, interlaced or not") {
    for (const bool interlaced : {false, true}) {
        for (const auto& image : {noise(13, 9, 1), noise(1, 1, 2), slope(100, 3)}) {
            CHECK(distance(decode(png(image, interlaced)), image) == 0);
        }
    }
}

TEST_CASE("gray of any depth is scaled to 8 bits") {
    const auto gray = [](int depth, const pixels& row) {
        return decode(png(2, 1, depth, PNG_COLOR_TYPE_GRAY, {row})).pixels;
    };
    CHECK(gray(1, {0x40}) == pixels{0, 0, 0, 255, 255, 255});
    CHECK(gray(2, {0x60}) == pixels{85, 85, 85, 170, 170, 170});
    CHECK(gray(4, {0x1f}) == pixels{17, 17, 17, 255, 255, 255});
    CHECK(gray(8, {7, 200}) == pixels{7, 7, 7, 200, 200, 200});
    CHECK(gray(16, {7, 255, 200, 0}) == pixels{7, 7, 7, 200, 200, 200});
}

TEST_CASE("palettes are looked up, alpha is dropped, 16 bits are cut") {
    const std::vector<png_color> palette{{1, 2, 3}, {4, 5, 6}};
    CHECK(decode(png(2, 1, 8, PNG_COLOR_TYPE_PALETTE, {{1, 0}}, false, palette)).pixels ==
          pixels{4, 5, 6, 1, 2, 3});
    CHECK(decode(png(2, 1, 1, PNG_COLOR_TYPE_PALETTE, {{0x40}}, false, palette)).pixels ==
          pixels{1, 2, 3, 4, 5, 6});
    CHECK(decode(png(2, 1, 8, PNG_COLOR_TYPE_RGBA, {{1, 2, 3, 0, 4, 5, 6, 99}})).pixels ==
          pixels{1, 2, 3, 4, 5, 6});
    CHECK(decode(png(1, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, {{9, 0}})).pixels == pixels{9, 9, 9});
    CHECK(decode(png(1, 1, 16, PNG_COLOR_TYPE_RGB, {{1, 255, 2, 128, 3, 0}})).pixels ==
          pixels{1, 2, 3});
}

TEST_CASE("bad PNG files are refused") {
    const auto good = png(noise(20, 20, 3));
    const auto damaged = [&](std::size_t at) {
        auto file = good;
        file[at] = static_cast<char>(file[at] ^ 1);
        return file;
    };
    for (const bad_file& bad : std::vector<bad_file>{
             {"is a bad PNG: it does not begin with a header", good.substr(0, 8)},
             {"is a bad PNG: it does not begin with a header", good.substr(0, 23)},
             {"is a bad PNG: it does not begin with a header",
              good.substr(0, 12) + good.substr(33)},
             {"is a bad PNG: the file is cut off", good.substr(0, 30)},
             {"is a bad PNG: the file is cut off", good.substr(0, 33)},
             {"is a bad PNG: the file is cut off", good.substr(0, good.size() / 2)},
             {"is a bad PNG: the file is cut off", good.substr(0, good.size() - 13)},
             {"is a bad PNG: the file is cut off", good.substr(0, good.size() - 1)},
             {"is a bad PNG: ", damaged(60)},
             {"is a bad PNG: ", damaged(30)},
             {"is a bad PNG: ", damaged(24)},
             {"is a bad PNG: ", damaged(25)},
             {"the image is 100000 x 100000 pixels, more than 16384 a side",
              png_header(100'000, 100'000)},
             {"the image is 4294967295 x 4294967295 pixels", png_header(~0u, ~0u)},
             {"the image is 16384 x 16384 pixels, more than 50000000 in all",
              png_header(16384, 16384)},
             {"the image is 1 x 16385 pixels", png_header(1, 16385)},
             {"the image is empty: 0 x 5 pixels", png_header(0, 5)},
             {"is a bad PNG: ", png_header(5, 5) + good.substr(good.size() - 12)},
             {"is a bad PNG: ", png_header(30, 30) + good.substr(33)},
         }) {
        expect_refusal(fault::input, bad.words, [&] { decode(bad.bytes); });
    }
}

TEST_CASE("damaged PNG files are read or refused") {
    int refused = 0;
    for (const bool interlaced : {false, true}) {
        refused += survive(png(noise(12, 12, 4), interlaced), 2000, 12,
                           [](const std::string& damaged) { decode(damaged); });
    }
    CHECK(refused > 2000);
}
