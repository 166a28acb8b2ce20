// SPDX-License-Identifier: MIT
// Pictures made of numbers, and their JPEG and PNG files, which the libraries' writers make.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/picture/picture_taker.hpp>
#include <mpar/io/picture/rgb_image.hpp>

#include "io/files.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <jpeglib.h>
#include <png.h>

#if MPAR_HAVE_WEBP
#include <webp/encode.h>
#endif

namespace io_test {

/// Bytes of a linear congruential generator: the same picture in any language.
inline mpar::io::rgb_image noise(int width, int height, std::uint64_t seed) {
    mpar::io::rgb_image image{width, height, {}};
    for (int i = 0; i < 3 * width * height; ++i) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        image.pixels.push_back(static_cast<std::uint8_t>(seed >> 56));
    }
    return image;
}

/// A picture that JPEG keeps well: red grows to the right, green downwards.
inline mpar::io::rgb_image slope(int width, int height) {
    mpar::io::rgb_image image{width, height, {}};
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            image.pixels.push_back(static_cast<std::uint8_t>(255 * x / width));
            image.pixels.push_back(static_cast<std::uint8_t>(255 * y / height));
            image.pixels.push_back(128);
        }
    }
    return image;
}

/// The whole picture that a decoder hands over.
template <class Decode>
mpar::io::rgb_image whole(Decode decode, const std::string& file, const mpar::io::refusal& refuse,
                          mpar::io::orientation asked = mpar::io::orientation::exif) {
    mpar::io::whole_picture picture(asked);
    decode(std::as_bytes(std::span(file)), refuse, picture);
    return picture.take();
}

/// How a JPEG file is written.
struct jpeg_way {
    int components = 3;                       ///< 1 gray, 3 RGB, 4 CMYK
    bool progressive = false, apart = false;  ///< apart: a scan for each component
    int quality = 95;
    bool ycck = false, adobe = true;  ///< CMYK's colours, and whether Adobe's mark is there
    int rows_between_marks = 0;       ///< restart marks, counted in rows of blocks
};

/// A JPEG file of samples as its components have them, row by row.
inline std::string jpeg(int width, int height, std::vector<std::uint8_t> samples, jpeg_way way) {
    jpeg_compress_struct info{};
    jpeg_error_mgr errors{};
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&info, &bytes, &size);
    info.image_width = static_cast<JDIMENSION>(width);
    info.image_height = static_cast<JDIMENSION>(height);
    info.input_components = way.components;
    info.in_color_space = way.components == 1   ? JCS_GRAYSCALE
                          : way.components == 3 ? JCS_RGB
                                                : JCS_CMYK;
    jpeg_set_defaults(&info);
    if (way.ycck) jpeg_set_colorspace(&info, JCS_YCCK);
    if (!way.adobe) info.write_Adobe_marker = FALSE;
    info.restart_in_rows = way.rows_between_marks;
    jpeg_set_quality(&info, way.quality, TRUE);
    const std::array<jpeg_scan_info, 3> scans{
        {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}}};
    if (way.progressive) jpeg_simple_progression(&info);
    if (way.apart) {
        info.scan_info = scans.data();
        info.num_scans = 3;
    }
    jpeg_start_compress(&info, TRUE);
    const auto row = static_cast<std::size_t>(way.components * width);
    while (info.next_scanline < info.image_height) {
        JSAMPROW rows = samples.data() + info.next_scanline * row;
        jpeg_write_scanlines(&info, &rows, 1);
    }
    jpeg_finish_compress(&info);
    std::string file(reinterpret_cast<char*>(bytes), size);
    jpeg_destroy_compress(&info);
    std::free(bytes);
    return file;
}

/// A JPEG file of a picture; gray is its red, black its blue once more.
inline std::string jpeg(const mpar::io::rgb_image& image, jpeg_way way = {}) {
    const auto channels = static_cast<std::size_t>(way.components);
    std::vector<std::uint8_t> samples;
    for (std::size_t pixel = 0; pixel < image.pixels.size(); pixel += 3) {
        for (std::size_t c = 0; c < channels; ++c) {
            samples.push_back(image.pixels[pixel + std::min<std::size_t>(c, 2)]);
        }
    }
    return jpeg(image.width, image.height, std::move(samples), way);
}

/// `file` with a segment of that mark and content before its others.
inline std::string jpeg_with(const std::string& file, unsigned char mark, const std::string& body) {
    std::string segment{'\xff', static_cast<char>(mark)};
    segment += static_cast<char>((body.size() + 2) >> 8);
    segment += static_cast<char>((body.size() + 2) & 0xff);
    return file.substr(0, 2) + segment + body + file.substr(2);
}

/// The big-endian bytes of a number.
inline std::string be(std::uint64_t number, std::size_t bytes) {
    std::string text = le(number, bytes);
    std::ranges::reverse(text);
    return text;
}

/// A block of EXIF whose second entry is the orientation, in either byte order.
inline std::string exif(int orientation, bool little) {
    const auto n = [&](std::uint64_t number, std::size_t bytes) {
        return little ? le(number, bytes) : be(number, bytes);
    };
    const auto value = static_cast<std::uint64_t>(orientation);
    return (little ? "II" : "MM") + n(42, 2) + n(8, 4) + n(2, 2) +     //
           n(0x0100, 2) + n(4, 2) + n(1, 4) + n(640, 4) +              //
           n(0x0112, 2) + n(3, 2) + n(1, 4) + n(value, 2) + n(0, 2) +  //
           n(0, 4);
}

/// A PNG file of that colour type and depth whose rows are given as they are stored.
inline std::string png(int width, int height, int depth, int type,
                       std::vector<std::vector<std::uint8_t>> rows, bool interlaced = false,
                       const std::vector<png_color>& palette = {}) {
    std::string file;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(
        png, &file,
        [](png_structp to, png_bytep bytes, std::size_t count) {
            static_cast<std::string*>(png_get_io_ptr(to))
                ->append(reinterpret_cast<char*>(bytes), count);
        },
        [](png_structp) {});
    png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height),
                 depth, type, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
    std::vector<png_bytep> pointers;
    for (auto& row : rows) pointers.push_back(row.data());
    png_write_info(png, info);
    png_write_image(png, pointers.data());
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return file;
}

inline std::string png(const mpar::io::rgb_image& image, bool interlaced = false) {
    std::vector<std::vector<std::uint8_t>> rows;
    const auto bytes = static_cast<std::ptrdiff_t>(3 * image.width);
    for (std::ptrdiff_t y = 0; y < image.height; ++y) {
        const auto begin = image.pixels.begin() + y * bytes;
        rows.emplace_back(begin, begin + bytes);
    }
    return png(image.width, image.height, 8, PNG_COLOR_TYPE_RGB, std::move(rows), interlaced);
}

/// The first bytes of a PNG of that size, up to the end of its header chunk.
inline std::string png_header(std::uint32_t width, std::uint32_t height) {
    std::string body = "IHDR" + be(width, 4) + be(height, 4);
    body += std::string("\x08\x02\0\0\0", 5);
    std::uint32_t crc = 0xffffffff;
    for (const char c : body) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return std::string("\x89PNG\r\n\x1a\n\0\0\0\x0d", 12) + body + be(~crc, 4);
}

/// `file` with another size in its frame header (SOF0 or SOF2).
inline std::string jpeg_resized(std::string file, int width, int height) {
    for (std::size_t i = 2; i + 9 < file.size(); ++i) {
        if (file[i] != '\xff' || (file[i + 1] != '\xc0' && file[i + 1] != '\xc2')) continue;
        file[i + 5] = static_cast<char>(height >> 8), file[i + 6] = static_cast<char>(height);
        file[i + 7] = static_cast<char>(width >> 8), file[i + 8] = static_cast<char>(width);
        return file;
    }
    return file;
}

/// The largest difference of two samples.
inline int distance(const mpar::io::rgb_image& a, const mpar::io::rgb_image& b) {
    if (a.width != b.width || a.height != b.height || a.pixels.size() != b.pixels.size()) {
        return 256;
    }
    int most = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i) {
        most = std::max(most, std::abs(a.pixels[i] - b.pixels[i]));
    }
    return most;
}

}  // namespace io_test
