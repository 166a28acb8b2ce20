// SPDX-License-Identifier: MIT
// Tests of io/picture/bmp.hpp: every depth and order of rows, and files that must be refused.
#include <mpar/io/picture/bmp.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

namespace {

using pixels = std::vector<std::uint8_t>;

const io::refusal refuse(fault::input, "picture.bmp");

io::rgb_image decode(const std::string& file) { return whole(io::decode_bmp, file, refuse); }

/// How a BMP is stored: what stands between header and pixels, and its rows as they lie.
struct bmp_way {
    int width, height, bits;
    std::string rows;
    std::string table = {};  ///< palette or masks
    std::uint32_t packing = 0, colours = 0;
    bool core = false;  ///< OS/2's short header
};

std::string bmp(const bmp_way& way) {
    std::string head;
    if (way.core) {
        head = le(12u) + le(way.width, 2) + le(way.height, 2) + le(1, 2) + le(way.bits, 2);
    } else {
        head = le(40u) + le(way.width) + le(way.height) + le(1, 2) + le(way.bits, 2) +
               le(way.packing) + std::string(12, '\0') + le(way.colours) + le(0u);
    }
    const auto begin = static_cast<std::uint32_t>(14 + head.size() + way.table.size());
    return "BM" + le(begin + static_cast<std::uint32_t>(way.rows.size())) + le(0u) + le(begin) +
           head + way.table + way.rows;
}

std::string text(const char* bytes, std::size_t count) { return {bytes, count}; }

}  // namespace

TEST_CASE("rows come from below, or from above") {
    const auto rows = text("\1\2\3\4\5\6\0\0\7\10\11\12\13\14\0\0", 16);
    CHECK(decode(bmp({2, 2, 24, rows})).pixels == pixels{9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4});
    CHECK(decode(bmp({2, -2, 24, rows})).pixels == pixels{3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10});
    CHECK(decode(bmp({2, 2, 24, rows, {}, 0, 0, true})).pixels ==
          pixels{9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4});
}

TEST_CASE("palettes of 1, 4 and 8 bits") {
    const auto two = text("\3\2\1\0\6\5\4\0", 8);  // blue, green, red, nothing
    CHECK(decode(bmp({3, 1, 1, text("\x40\0\0\0", 4), two})).pixels ==
          pixels{1, 2, 3, 4, 5, 6, 1, 2, 3});
    CHECK(
        decode(bmp({3, 1, 1, text("\x40\0\0\0", 4), text("\3\2\1\6\5\4", 6), 0, 0, true})).pixels ==
        pixels{1, 2, 3, 4, 5, 6, 1, 2, 3});
    CHECK(decode(bmp({3, 1, 4, text("\x10\x10\0\0", 4), two, 0, 2})).pixels ==
          pixels{4, 5, 6, 1, 2, 3, 4, 5, 6});
    CHECK(decode(bmp({2, 1, 8, text("\1\0\0\0", 4), two, 0, 2})).pixels ==
          pixels{4, 5, 6, 1, 2, 3});
    CHECK(decode(bmp({1, 1, 8, text("\377\0\0\0", 4), two, 0, 2})).pixels == pixels{0, 0, 0});
}

TEST_CASE("colours of 16 and 32 bits") {
    CHECK(decode(bmp({2, 1, 16, le(std::uint16_t{0x7c1f}) + le(std::uint16_t{0x0200})})).pixels ==
          pixels{255, 0, 255, 0, 131, 0});
    const auto masks565 = le(0xf800u) + le(0x7e0u) + le(0x1fu);
    CHECK(
        decode(bmp({2, 1, 16, le(std::uint16_t{0xf81f}) + le(std::uint16_t{0x0400}), masks565, 3}))
            .pixels == pixels{255, 0, 255, 0, 129, 0});
    CHECK(decode(bmp({1, 1, 32, text("\1\2\3\4", 4)})).pixels == pixels{3, 2, 1});
    const auto reversed = le(0xffu) + le(0xff00u) + le(0xff0000u);
    CHECK(decode(bmp({1, 1, 32, text("\1\2\3\4", 4), reversed, 3})).pixels == pixels{1, 2, 3});
    CHECK(
        decode(bmp({1, 1, 32, text("\1\2\3\4", 4), le(0u) + le(0xffffffffu) + le(1u), 3})).pixels ==
        pixels{0, 3, 255});
}

TEST_CASE("bad BMP files are refused") {
    const auto good = bmp({2, 2, 24, std::string(16, '\7')});
    struct bad_file {
        const char* words;
        std::string bytes;
    };
    for (const bad_file& bad : std::vector<bad_file>{
             {"the data ends at byte 2", "BM"},
             {"the data ends at byte 30", good.substr(0, 30)},
             {"is a bad BMP: its pixels are cut off", good.substr(0, good.size() - 1)},
             {"is a bad BMP: its header has 13 bytes",
              bmp({1, 1, 24, "1234"}).replace(14, 1, "\15")},
             {"is a bad BMP: a pixel has 3 bits", bmp({1, 1, 3, "1234"})},
             {"is a BMP of run lengths", bmp({1, 1, 8, "1234", std::string(1024, '\0'), 1})},
             {"is a BMP of run lengths", bmp({1, 1, 4, "1234", std::string(64, '\0'), 2})},
             {"is a BMP of compression 4", bmp({1, 1, 24, "1234", {}, 4})},
             {"is a BMP of compression 3", bmp({1, 1, 24, "1234", std::string(12, '\0'), 3})},
             {"the image is empty: 0 x 5 pixels", bmp({0, 5, 24, "1234"})},
             {"the image is empty: 0 x 5 pixels", bmp({-3, 5, 24, "1234"})},
             {"more than 178956970 in all", bmp({20'000, 20'000, 24, "1234"})},
             {"more than 1000000 a side", bmp({1, -2'147'483'647 - 1, 24, "1234"})},
         }) {
        expect_refusal(fault::input, bad.words, [&] { decode(bad.bytes); });
    }
}

TEST_CASE("damaged BMP files are read or refused") {
    const auto palette = std::string(16, '\5') + std::string(48, '\0');
    const int refused = survive(bmp({9, 7, 4, std::string(56, '\x31'), palette}), 3000, 31,
                                [](const std::string& damaged) { decode(damaged); });
    CHECK(refused > 500);
}
