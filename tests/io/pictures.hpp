// SPDX-License-Identifier: MIT
// Pictures made of numbers, and their JPEG and PNG files. Uses the libraries' writers, not mpar's
// readers.
#pragma once

#include <mpar/io/rgb_image.hpp>

#include "io/files.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <jpeglib.h>
#include <png.h>

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

/// How a JPEG file is written.
struct jpeg_way {
    int components = 3;                       ///< 1 gray, 3 RGB, 4 CMYK
    bool progressive = false, apart = false;  ///< apart: a scan for each component
};

inline std::string jpeg(const mpar::io::rgb_image& image, jpeg_way way = {}) {
    jpeg_compress_struct info{};
    jpeg_error_mgr errors{};
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&info, &bytes, &size);
    info.image_width = static_cast<JDIMENSION>(image.width);
    info.image_height = static_cast<JDIMENSION>(image.height);
    info.input_components = way.components;
    info.in_color_space = way.components == 1   ? JCS_GRAYSCALE
                          : way.components == 3 ? JCS_RGB
                                                : JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 95, TRUE);
    const std::array<jpeg_scan_info, 3> scans{
        {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}}};
    if (way.progressive) jpeg_simple_progression(&info);
    if (way.apart) {
        info.scan_info = scans.data();
        info.num_scans = 3;
    }
    jpeg_start_compress(&info, TRUE);
    const auto channels = static_cast<std::size_t>(way.components);
    std::vector<std::uint8_t> row(channels * info.image_width);
    while (info.next_scanline < info.image_height) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::size_t x = i / channels, c = std::min<std::size_t>(i % channels, 2);
            row[i] = image.pixels[3 * (info.next_scanline * info.image_width + x) + c];
        }
        JSAMPROW rows = row.data();
        jpeg_write_scanlines(&info, &rows, 1);
    }
    jpeg_finish_compress(&info);
    std::string file(reinterpret_cast<char*>(bytes), size);
    jpeg_destroy_compress(&info);
    std::free(bytes);
    return file;
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
    std::string body = "IHDR";
    for (const auto number : {width, height}) {
        for (int shift = 24; shift >= 0; shift -= 8) body += static_cast<char>(number >> shift);
    }
    body += std::string("\x08\x02\0\0\0", 5);
    std::uint32_t crc = 0xffffffff;
    for (const char c : body) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    std::string sum;
    for (int shift = 24; shift >= 0; shift -= 8) sum += static_cast<char>(~crc >> shift);
    return std::string("\x89PNG\r\n\x1a\n\0\0\0\x0d", 12) + body + sum;
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
