// SPDX-License-Identifier: MIT
// Tests of io/picture/tiff.hpp: pictures that come back, and files that must be refused.
#include <mpar/io/picture/tiff.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

namespace {

using pixels = std::vector<std::uint8_t>;

const io::refusal refuse(fault::input, "picture.tif");

io::rgb_image decode(const std::string& file, io::orientation asked = io::orientation::exif) {
    return whole(io::decode_tiff, file, refuse, asked);
}

}  // namespace

#if MPAR_HAVE_TIFF

namespace {

/// How a TIFF is stored.
struct tiff_way {
    int bits = 8, samples = 3, photometric = PHOTOMETRIC_RGB, compression = COMPRESSION_NONE;
    int rows_per_strip = 5, tile = 0, orientation = 1, alpha = 0, pages = 1;
    const char* mode = "wl";  ///< byte order, or size of the file's numbers
};

/// A TIFF file of samples as they are stored, row by row, each of whole bytes.
std::string stored(int width, int height, const std::string& samples, const tiff_way& way = {}) {
    const folder folder;
    const auto path = folder.path("made.tif");
    TIFF* file = TIFFOpen(path.c_str(), way.mode);
    REQUIRE(file != nullptr);
    const auto row = samples.size() / static_cast<std::size_t>(height);
    for (int page = 0; page < way.pages; ++page) {
        TIFFSetField(file, TIFFTAG_IMAGEWIDTH, width);
        TIFFSetField(file, TIFFTAG_IMAGELENGTH, height);
        TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, way.bits);
        TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, way.samples);
        TIFFSetField(file, TIFFTAG_PHOTOMETRIC, way.photometric);
        TIFFSetField(file, TIFFTAG_COMPRESSION, way.compression);
        TIFFSetField(file, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
        TIFFSetField(file, TIFFTAG_ORIENTATION, way.orientation);
        const auto alpha = static_cast<std::uint16_t>(way.alpha);
        if (alpha) TIFFSetField(file, TIFFTAG_EXTRASAMPLES, 1, &alpha);
        if (way.photometric == PHOTOMETRIC_PALETTE) {
            std::vector<std::uint16_t> map(3 * 256);
            for (std::size_t i = 0; i < map.size(); ++i) {
                map[i] = static_cast<std::uint16_t>(257 * ((i % 256 + 10 * (i / 256)) % 256));
            }
            TIFFSetField(file, TIFFTAG_COLORMAP, &map[0], &map[256], &map[512]);
        }
        if (way.tile) {
            TIFFSetField(file, TIFFTAG_TILEWIDTH, way.tile);
            TIFFSetField(file, TIFFTAG_TILELENGTH, way.tile);
            const auto side = static_cast<std::size_t>(way.tile);
            const auto bytes = row / static_cast<std::size_t>(width);
            for (std::size_t y = 0; y < static_cast<std::size_t>(height); y += side) {
                for (std::size_t x = 0; x < static_cast<std::size_t>(width); x += side) {
                    std::string tile(side * side * bytes, '\0');
                    for (std::size_t j = 0; j < side; ++j) {
                        if (y + j >= static_cast<std::size_t>(height)) break;
                        const auto part =
                            samples.substr((y + j) * row, row).substr(x * bytes, side * bytes);
                        tile.replace(j * side * bytes, part.size(), part);
                    }
                    TIFFWriteTile(file, tile.data(), static_cast<std::uint32_t>(x),
                                  static_cast<std::uint32_t>(y), 0, 0);
                }
            }
        } else {
            TIFFSetField(file, TIFFTAG_ROWSPERSTRIP, way.rows_per_strip);
            for (int y = 0; y < height; ++y) {
                auto line = samples.substr(static_cast<std::size_t>(y) * row, row);
                if (page > 0) std::ranges::fill(line, '\0');
                TIFFWriteScanline(file, line.data(), static_cast<std::uint32_t>(y), 0);
            }
        }
        TIFFWriteDirectory(file);
    }
    TIFFClose(file);
    return read(path);
}

std::string stored(const io::rgb_image& image, const tiff_way& way = {}) {
    return stored(image.width, image.height, {image.pixels.begin(), image.pixels.end()}, way);
}

}  // namespace

TEST_CASE("a TIFF comes back however it is stored") {
    const auto image = noise(37, 23, 1);
    for (const char* mode : {"wl", "wb", "w8"}) {
        for (const int compression :
             {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
            tiff_way way;
            way.mode = mode, way.compression = compression;
            CHECK(distance(decode(stored(image, way)), image) == 0);
            way.rows_per_strip = 23;
            CHECK(distance(decode(stored(image, way)), image) == 0);
            way.tile = 16;
            CHECK(distance(decode(stored(image, way)), image) == 0);
        }
    }
    CHECK(distance(decode(stored(image, {.pages = 3})), image) == 0);
}

TEST_CASE("gray, palettes, 16 bits and alpha become RGB") {
    const auto gray = [](int bits, int photometric, const std::string& row) {
        return decode(stored(2, 1, row, {.bits = bits, .samples = 1, .photometric = photometric}))
            .pixels;
    };
    CHECK(gray(8, PHOTOMETRIC_MINISBLACK, "\7\310") == pixels{7, 7, 7, 200, 200, 200});
    CHECK(gray(8, PHOTOMETRIC_MINISWHITE, "\7\310") == pixels{248, 248, 248, 55, 55, 55});
    CHECK(gray(1, PHOTOMETRIC_MINISBLACK, "\x40") == pixels{0, 0, 0, 255, 255, 255});
    CHECK(gray(16, PHOTOMETRIC_MINISBLACK,
               le(std::uint16_t{7 * 257}) + le(std::uint16_t{200 * 257})) ==
          pixels{7, 7, 7, 200, 200, 200});
    CHECK(gray(8, PHOTOMETRIC_PALETTE, "\1\2") == pixels{1, 11, 21, 2, 12, 22});
    for (const int alpha : {EXTRASAMPLE_ASSOCALPHA, EXTRASAMPLE_UNASSALPHA}) {
        CHECK(decode(stored(2, 1, std::string("\1\2\3\0\4\5\6\143", 8),
                            {.samples = 4, .alpha = alpha}))
                  .pixels == pixels{1, 2, 3, 4, 5, 6});
    }
}

TEST_CASE("a TIFF that lies on its side is turned upright") {
    const auto picture = noise(7, 5, 6);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        for (const int tile : {0, 16}) {
            const auto file = stored(picture, {.tile = tile, .orientation = orientation});
            CHECK(decode(file).pixels == io::turned(picture, io::turn::of(orientation)).pixels);
            CHECK(decode(file, io::orientation::ignore).pixels == picture.pixels);
        }
    }
}

TEST_CASE("bad TIFF files are refused") {
    const auto image = noise(20, 20, 3);
    const auto good = stored(image), packed = stored(image, {.compression = COMPRESSION_LZW});
    for (const auto& file : {good, packed}) {
        for (std::size_t length = 4; length < file.size(); length += 31) {
            expect_refusal(fault::input,
                           "is a bad TIFF: ", [&, &f = file] { decode(f.substr(0, length)); });
        }
    }
    const auto resized = [&](std::uint32_t width, std::uint32_t height) {
        auto file = good;
        const auto entry = [&](int tag) { return file.rfind(le(tag, 2) + le(3, 2) + le(1u)); };
        const auto w = entry(256), h = entry(257);
        REQUIRE(w != std::string::npos);
        REQUIRE(h != std::string::npos);
        file.replace(w + 2, 10, le(4, 2) + le(1u) + le(width));
        file.replace(h + 2, 10, le(4, 2) + le(1u) + le(height));
        return file;
    };
    expect_refusal(fault::input, "the image is 20000 x 20000 pixels, more than 178956970 in all",
                   [&] { decode(resized(20'000, 20'000)); });
    expect_refusal(fault::input, "more than 1000000 a side", [&] { decode(resized(1u << 31, 1)); });
    expect_refusal(
        fault::input, "is a bad TIFF: Sorry, can not handle images with 32-bit samples",
        [&] { decode(stored(1, 1, "1234", {.bits = 32, .samples = 1, .photometric = 1})); });
    const int refused =
        survive(packed, 1500, 51, [](const std::string& damaged) { decode(damaged); });
    CHECK(refused > 300);
}

#else

TEST_CASE("without libtiff a TIFF picture is refused in words") {
    expect_refusal(fault::input, "is a TIFF picture, and this program was built without libtiff",
                   [] { decode("II*"); });
}

#endif
