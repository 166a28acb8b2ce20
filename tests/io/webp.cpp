// SPDX-License-Identifier: MIT
// Tests of io/picture/webp.hpp: pictures that come back, and files that must be refused.
#include <mpar/io/picture/webp.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

namespace {

const io::refusal refuse(fault::input, "picture.webp");

io::rgb_image decode(const std::string& file, io::orientation asked = io::orientation::exif) {
    return whole(io::decode_webp, file, refuse, asked);
}

}  // namespace

#if MPAR_HAVE_WEBP

namespace {

/// A lossless WebP file of a picture; with alpha, every other pixel cannot be seen.
std::string webp(const io::rgb_image& image, bool alpha = false) {
    std::uint8_t* bytes = nullptr;
    std::size_t size = 0;
    if (alpha) {
        WebPConfig config;  // as WebPEncodeLosslessRGBA, but what cannot be seen stays as it is
        REQUIRE(WebPConfigInit(&config));
        config.lossless = config.exact = 1;
        WebPPicture picture;
        REQUIRE(WebPPictureInit(&picture));
        picture.use_argb = 1, picture.width = image.width, picture.height = image.height;
        std::vector<std::uint8_t> rgba;
        for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
            rgba.insert(rgba.end(), &image.pixels[i], &image.pixels[i] + 3);
            rgba.push_back(i % 2 ? 255 : 0);
        }
        REQUIRE(WebPPictureImportRGBA(&picture, rgba.data(), 4 * image.width));
        WebPMemoryWriter writer;
        WebPMemoryWriterInit(&writer);
        picture.writer = WebPMemoryWrite, picture.custom_ptr = &writer;
        REQUIRE(WebPEncode(&config, &picture));
        WebPPictureFree(&picture);
        bytes = writer.mem, size = writer.size;
    } else {
        size = WebPEncodeLosslessRGB(image.pixels.data(), image.width, image.height,
                                     3 * image.width, &bytes);
    }
    std::string file(reinterpret_cast<char*>(bytes), size);
    WebPFree(bytes);
    return file;
}

std::string chunk(const char* name, const std::string& body) {
    return name + le(static_cast<std::uint32_t>(body.size())) + body +
           std::string(body.size() % 2, '\0');
}

/// An extended WebP file: `flags` of its first chunk, the canvas, and the other chunks.
std::string extended(int flags, int width, int height, const std::string& chunks) {
    const auto first = le(flags) + le(width - 1, 3) + le(height - 1, 3);
    const auto body = "WEBP" + chunk("VP8X", first) + chunks;
    return "RIFF" + le(static_cast<std::uint32_t>(body.size())) + body;
}

/// One picture of an animation, at an even place.
std::string frame(int x, int y, const io::rgb_image& image) {
    return chunk("ANMF", le(x / 2, 3) + le(y / 2, 3) + le(image.width - 1, 3) +
                             le(image.height - 1, 3) + le(100, 3) + le(0, 1) +
                             webp(image).substr(12));
}

}  // namespace

TEST_CASE("a WebP picture comes back, alpha is dropped") {
    for (const auto& image : {noise(13, 9, 1), noise(1, 1, 2), slope(100, 3)}) {
        CHECK(distance(decode(webp(image)), image) == 0);
        CHECK(distance(decode(webp(image, true)), image) == 0);
    }
    const auto image = slope(50, 37);
    std::uint8_t* bytes = nullptr;
    const auto size =
        WebPEncodeRGB(image.pixels.data(), image.width, image.height, 150, 95, &bytes);
    const std::string lossy(reinterpret_cast<char*>(bytes), size);
    WebPFree(bytes);
    CHECK(distance(decode(lossy), image) <= 24);
}

TEST_CASE("of an animation the first picture, on black") {
    const auto first = noise(3, 2, 4), second = noise(6, 5, 5);
    const auto file = extended(
        2, 6, 5, chunk("ANIM", std::string(6, '\0')) + frame(2, 2, first) + frame(0, 0, second));
    const auto image = decode(file);
    REQUIRE(image.width == 6);
    REQUIRE(image.height == 5);
    for (int y = 0; y < 5; ++y) {
        for (int x = 0; x < 6; ++x) {
            const bool inside = x >= 2 && x < 5 && y >= 2 && y < 4;
            const auto at = static_cast<std::size_t>(3 * (6 * y + x));
            const auto from = static_cast<std::size_t>(inside ? 3 * (3 * (y - 2) + x - 2) : 0);
            CHECK(int(image.pixels[at]) == (inside ? int(first.pixels[from]) : 0));
        }
    }
}

TEST_CASE("a WebP that lies on its side is turned upright") {
    const auto stored = noise(5, 4, 6);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        const auto file =
            extended(8, 5, 4, webp(stored).substr(12) + chunk("EXIF", exif(orientation, false)));
        CHECK(decode(file).pixels == io::turned(stored, io::turn::of(orientation)).pixels);
        CHECK(decode(file, io::orientation::ignore).pixels == stored.pixels);
    }
}

TEST_CASE("bad WebP files are refused") {
    const auto good = webp(noise(20, 20, 3));
    for (std::size_t length = 0; length < good.size(); length += 7) {
        expect_refusal(fault::input, "is a bad WebP", [&] { decode(good.substr(0, length)); });
    }
    expect_refusal(fault::input, "the image is 16777216 x 1 pixels, more than 1000000 a side", [&] {
        decode(extended(2, 1 << 24, 1,
                        chunk("ANIM", std::string(6, '\0')) + frame(0, 0, noise(4, 1, 3))));
    });
    const int refused =
        survive(good, 1000, 41, [](const std::string& damaged) { decode(damaged); });
    CHECK(refused > 300);
}

#else

TEST_CASE("without libwebp a WebP picture is refused in words") {
    expect_refusal(fault::input, "is a WebP picture, and this program was built without libwebp",
                   [] { decode("RIFF    WEBP"); });
}

#endif
