// SPDX-License-Identifier: MIT
// Tests of io/jpeg.hpp: pictures that come back, and files that must be refused.
#include <mpar/io/jpeg.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

namespace {

const io::refusal refuse(fault::input, "picture.jpg");

io::rgb_image decode(const std::string& file) {
    return io::decode_jpeg(std::as_bytes(std::span(file)), refuse);
}

struct bad_file {
    const char* words;
    std::string bytes;
};

}  // namespace

TEST_CASE("what was written comes back, nearly") {
    const auto image = slope(50, 37);
    CHECK(distance(decode(jpeg(image)), image) <= 12);
    CHECK(distance(decode(jpeg(image, {3, true, false})), image) <= 12);
    CHECK(distance(decode(jpeg(image, {3, false, true})), image) <= 12);
    CHECK(decode(jpeg(image, {3, true, false})).pixels == decode(jpeg(image)).pixels);
    const auto dot = decode(jpeg(slope(1, 1)));
    CHECK(dot.width == 1);
    CHECK(dot.pixels.size() == 3);
}

TEST_CASE("gray becomes RGB") {
    const auto image = decode(jpeg(slope(16, 8), {1, false, false}));
    REQUIRE(image.pixels.size() == 3 * 16 * 8);
    CHECK(image.pixels[3 * 15] > 200);
    for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
        REQUIRE(image.pixels[i] == image.pixels[i + 1]);
        REQUIRE(image.pixels[i] == image.pixels[i + 2]);
    }
}

TEST_CASE("bad JPEG files are refused") {
    const auto good = jpeg(slope(64, 64));
    const auto progressive = jpeg(slope(64, 64), {3, true, false});
    for (const bad_file& bad : std::vector<bad_file>{
             {"is a bad JPEG: ", ""},
             {"is a bad JPEG: Not a JPEG file", "hello"},
             {"is a bad JPEG: Premature end", good.substr(0, 3)},
             {"is a bad JPEG: Premature end", good.substr(0, 20)},
             {"is a bad JPEG: Premature end", good.substr(0, good.size() / 2)},
             {"is a bad JPEG: Premature end", good.substr(0, good.size() - 2)},
             {"is a bad JPEG: Premature end", progressive.substr(0, progressive.size() - 40)},
             {"is a CMYK JPEG, expected RGB", jpeg(slope(8, 8), {4, false, false})},
             {"the image is 65500 x 65500 pixels, more than 16384 a side",
              jpeg_resized(good, 65500, 65500)},
             {"is a bad JPEG: Maximum supported image dimension is 65500 pixels",
              jpeg_resized(good, 65535, 65535)},
             {"the image is 16385 x 1 pixels, more than 16384 a side",
              jpeg_resized(good, 16385, 1)},
             {"the image is 16384 x 16384 pixels, more than 50000000 in all",
              jpeg_resized(good, 16384, 16384)},
             {"is a bad JPEG: Empty JPEG image", jpeg_resized(good, 64, 0)},
             {"is a bad JPEG: ", jpeg_resized(good, 640, 640)},
             {"is a bad JPEG: ", jpeg_resized(progressive, 640, 640)},
             {"is a bad JPEG: ", good.substr(0, 2) + "\xff\xd9"},
         }) {
        expect_refusal(fault::input, bad.words, [&] { decode(bad.bytes); });
    }
}

TEST_CASE("a file of endless scans is refused") {
    const auto good = jpeg(slope(64, 64), {3, false, true});
    const auto last = good.rfind("\xff\xda");
    REQUIRE(last != std::string::npos);
    const std::string scan = good.substr(last, good.size() - 2 - last);
    const auto with_scans = [&](int extra) {
        std::string file = good.substr(0, good.size() - 2);
        while (extra-- > 0) file += scan;
        return file + "\xff\xd9";
    };
    CHECK(decode(with_scans(90)).width == 64);
    expect_refusal(fault::input, "is a bad JPEG: more than 100 scans",
                   [&] { decode(with_scans(100'000)); });
}

TEST_CASE("damaged JPEG files are read or refused") {
    int refused = 0;
    for (const bool progressive : {false, true}) {
        refused += survive(jpeg(slope(40, 30), {3, progressive, false}), 1500, 11,
                           [](const std::string& damaged) { decode(damaged); });
    }
    CHECK(refused > 500);
}
