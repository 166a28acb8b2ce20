// SPDX-License-Identifier: MIT
// Tests of io/picture/jpeg.hpp: pictures that come back, and files that must be refused.
#include <mpar/io/picture/jpeg.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

namespace {

using pixels = std::vector<std::uint8_t>;

const io::refusal refuse(fault::input, "picture.jpg");

io::rgb_image decode(const std::string& file, io::orientation asked = io::orientation::exif) {
    return whole(io::decode_jpeg, file, refuse, asked);
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
             {"is a bad JPEG: Corrupt JPEG data: premature end", good.substr(0, good.size() / 2)},
             {"is a bad JPEG: Corrupt JPEG data: premature end", good.substr(0, good.size() - 12)},
             {"is a bad JPEG: ", progressive.substr(0, progressive.size() - 40)},
             {"is a bad JPEG: Premature end", progressive.substr(0, progressive.rfind("\xff\xda"))},
             {"the image is 65500 x 65500 pixels, more than 178956970 in all",
              jpeg_resized(good, 65500, 65500)},
             {"is a bad JPEG: Maximum supported image dimension is 65500 pixels",
              jpeg_resized(good, 65535, 65535)},
             {"the image is 16384 x 16384 pixels, more than 178956970 in all",
              jpeg_resized(good, 16384, 16384)},
             {"is a bad JPEG: Empty JPEG image", jpeg_resized(good, 64, 0)},
             {"is a bad JPEG: ", jpeg_resized(good, 640, 640)},
             {"is a bad JPEG: ", jpeg_resized(progressive, 640, 640)},
             {"is a bad JPEG: ", good.substr(0, 2) + "\xff\xd9"},
         }) {
        expect_refusal(fault::input, bad.words, [&] { decode(bad.bytes); });
    }
}

TEST_CASE("what libjpeg only warns of is read") {
    const auto image = slope(64, 64);
    const auto good = jpeg(image);
    const auto expected = decode(good).pixels;
    const std::size_t quantisers = good.find("\xff\xdb");
    REQUIRE(quantisers != std::string::npos);
    auto revision = good;
    revision[11] = 5;
    for (const auto& [what, file] : std::vector<bad_file>{
             {"bytes before the end's mark",
              good.substr(0, good.size() - 2) + std::string(253, '\x11') + "\xff\xd9"},
             {"bytes before a header's mark",
              good.substr(0, quantisers) + std::string(7, '\0') + good.substr(quantisers)},
             {"bytes behind the end", good + std::string(100, '\xff')},
             {"another picture behind the end", good + jpeg(slope(8, 8))},
             {"no end's mark", good.substr(0, good.size() - 2)},
             {"a revision that does not exist", revision},
             {"a bad profile of colours", jpeg_with(good, 0xe2, "ICC_PROFILE" + le(0x0209, 3))},
             {"a profile of another kind", jpeg_with(good, 0xe2, std::string(500, 'x'))},
         }) {
        INFO(what);
        CHECK(decode(file).pixels == expected);
    }
}

TEST_CASE("a JPEG that is cut off has all its pixels or is refused") {
    const auto image = noise(40, 40, 3);
    for (const auto& way : std::vector<jpeg_way>{{},
                                                 {1, false, false},
                                                 {3, true, false},
                                                 {3, false, true},
                                                 {.rows_between_marks = 1}}) {
        const auto good = jpeg(image, way);
        const auto expected = decode(good).pixels;
        int read = 0;
        for (std::size_t length = 0; length < good.size(); ++length) {
            try {
                const auto pixels = decode(good.substr(0, length)).pixels;
                if (pixels != expected) FAIL_CHECK("accepted without pixels: " << length);
                ++read;
            } catch (const error&) {
            }
        }
        CHECK(read <= 3);
        CHECK((read > 0) == (!way.progressive && !way.apart));
    }
}

TEST_CASE("inks become the RGB that Pillow makes of them") {
    struct expected {
        std::array<std::uint8_t, 4> stored;
        pixels rgb;  ///< of Pillow 13, Image.convert
    };
    for (const auto& [stored, rgb] : std::vector<expected>{{{0, 0, 0, 0}, {0, 0, 0}},
                                                           {{255, 255, 255, 255}, {255, 255, 255}},
                                                           {{10, 200, 77, 255}, {10, 200, 77}},
                                                           {{10, 200, 77, 128}, {5, 100, 39}},
                                                           {{255, 128, 1, 60}, {60, 30, 0}},
                                                           {{1, 2, 3, 4}, {0, 0, 0}},
                                                           {{254, 253, 130, 131}, {130, 130, 67}},
                                                           {{90, 90, 90, 17}, {6, 6, 6}}}) {
        pixels samples;
        for (int i = 0; i < 16 * 8; ++i)
            samples.insert(samples.end(), stored.begin(), stored.end());
        for (const bool progressive : {false, true}) {
            for (const bool adobe : {false, true}) {
                const auto image =
                    decode(jpeg(16, 8, samples, {4, progressive, false, 100, false, adobe}));
                REQUIRE(image.pixels.size() == 3 * 16 * 8);
                for (std::size_t i = 0; i < image.pixels.size(); ++i) {
                    REQUIRE(int(image.pixels[i]) == int(rgb[i % 3]));
                }
            }
        }
        const auto ycck = decode(jpeg(16, 8, samples, {4, false, false, 100, true}));
        for (std::size_t i = 0; i < ycck.pixels.size(); ++i) {
            REQUIRE(std::abs(ycck.pixels[i] - rgb[i % 3]) <= 1);
        }
    }
}

TEST_CASE("a picture that lies on its side is turned upright") {
    const auto good = jpeg(slope(24, 16));
    const auto stored = decode(good);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        for (const bool little : {false, true}) {
            const auto file =
                jpeg_with(good, 0xe1, std::string("Exif\0\0", 6) + exif(orientation, little));
            const auto upright = decode(file);
            CHECK(upright.width == (orientation < 5 ? 24 : 16));
            CHECK(upright.pixels == io::turned(stored, io::turn::of(orientation)).pixels);
            CHECK(decode(file, io::orientation::ignore).pixels == stored.pixels);
        }
    }
    const auto first = std::string("Exif\0\0", 6) + exif(6, true);
    const auto behind = jpeg_with(jpeg_with(good, 0xe1, first), 0xe1, "http://ns.adobe.com/xap/");
    CHECK(decode(behind).width == 16);
    for (std::size_t length = 0; length < first.size() - 4; ++length) {
        CHECK_NOTHROW(decode(jpeg_with(good, 0xe1, first.substr(0, length))));
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
