// SPDX-License-Identifier: MIT
// Tests of io/picture/png.hpp: every kind of pixel becomes RGB, and files that must be refused.
#include <mpar/io/picture/png.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

namespace {

using pixels = std::vector<std::uint8_t>;

const io::refusal refuse(fault::input, "picture.png");

io::rgb_image decode(const std::string& file) { return whole(io::decode_png, file, refuse); }

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
             {"is a bad PNG: the file is cut off", good.substr(0, good.size() - 22)},
             {"is a bad PNG: ", damaged(60)},
             {"is a bad PNG: ", damaged(30)},
             {"is a bad PNG: ", damaged(24)},
             {"is a bad PNG: ", damaged(25)},
             {"the image is 1000001 x 1 pixels, more than 1000000 a side",
              png_header(1'000'001, 1)},
             {"the image is 4294967295 x 4294967295 pixels", png_header(~0u, ~0u)},
             {"the image is 16384 x 16384 pixels, more than 178956970 in all",
              png_header(16384, 16384)},
             {"the image is empty: 0 x 5 pixels", png_header(0, 5)},
             {"is a bad PNG: ", png_header(5, 5) + good.substr(good.size() - 12)},
             {"is a bad PNG: ", png_header(30, 30) + good.substr(33)},
         }) {
        expect_refusal(fault::input, bad.words, [&] { decode(bad.bytes); });
    }
}

TEST_CASE("a PNG that is cut off has all its pixels or is refused") {
    const auto image = noise(9, 7, 6);
    for (const bool interlaced : {false, true}) {
        const auto good = png(image, interlaced);
        int read = 0;
        for (std::size_t length = 0; length < good.size(); ++length) {
            try {
                if (decode(good.substr(0, length)).pixels != image.pixels) {
                    FAIL_CHECK("accepted without pixels: " << length);
                }
                ++read;
            } catch (const error&) {
            }
        }
        CHECK(read >= 12 + 4 + 4);  // the last chunk, a sum of bytes, and one of pixels
        CHECK(read < 40);
    }
    // what is there and wrong is refused, whether an end follows or not
    auto broken = png(image);
    broken[60] = static_cast<char>(broken[60] ^ 1);
    expect_refusal(fault::input, "is a bad PNG", [&] { decode(broken); });
}

TEST_CASE("every kind of pixel is read interlaced too") {
    const std::vector<png_color> palette{{1, 2, 3}, {4, 5, 6}};
    const auto read = [&](int depth, int type, const pixels& row) {
        const auto file = [&](bool interlaced) {
            return png(2, 3, depth, type, {row, row, row}, interlaced,
                       type == PNG_COLOR_TYPE_PALETTE ? palette : std::vector<png_color>{});
        };
        const auto plain = decode(file(false)).pixels;
        CHECK(decode(file(true)).pixels == plain);
        return pixels(plain.begin(), plain.begin() + 6);
    };
    CHECK(read(1, PNG_COLOR_TYPE_GRAY, {0x40}) == pixels{0, 0, 0, 255, 255, 255});
    CHECK(read(16, PNG_COLOR_TYPE_GRAY, {7, 255, 200, 0}) == pixels{7, 7, 7, 200, 200, 200});
    CHECK(read(8, PNG_COLOR_TYPE_PALETTE, {1, 0}) == pixels{4, 5, 6, 1, 2, 3});
    CHECK(read(8, PNG_COLOR_TYPE_GRAY_ALPHA, {9, 0, 8, 255}) == pixels{9, 9, 9, 8, 8, 8});
    CHECK(read(16, PNG_COLOR_TYPE_GRAY_ALPHA, {9, 1, 0, 0, 8, 1, 0, 0}) ==
          pixels{9, 9, 9, 8, 8, 8});
    CHECK(read(8, PNG_COLOR_TYPE_RGBA, {1, 2, 3, 0, 4, 5, 6, 99}) == pixels{1, 2, 3, 4, 5, 6});
}

TEST_CASE("a PNG that lies on its side is turned upright") {
    const auto image = noise(9, 7, 6);
    const auto file = png(image);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        const auto block = exif(orientation, false);
        const auto lying = file.substr(0, 33) + be(block.size(), 4) + "eXIf" + block +
                           std::string(4, '\0') + file.substr(33);
        CHECK(decode(lying).pixels == io::turned(image, io::turn::of(orientation)).pixels);
        CHECK(whole(io::decode_png, lying, refuse, io::orientation::ignore).pixels == image.pixels);
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
