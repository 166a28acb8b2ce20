// SPDX-License-Identifier: MIT
// Decodes BMP, with limits. Knows no file name and no preprocessing.
#pragma once

#include <mpar/io/parse/cursor.hpp>
#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/picture/picture_taker.hpp>
#include <mpar/io/picture/rgb_image.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace mpar::io {

namespace detail {

/// What a BMP file's headers say.
struct bmp_header {
    std::int64_t width = 0, height = 0;
    bool from_above = false;
    unsigned bits = 0;                       ///< of a pixel
    std::array<std::uint32_t, 3> masks{};    ///< of red, green, blue in a pixel of 16 or 32 bits
    std::vector<std::uint8_t> palette = {};  ///< blue, green, red of each entry, then of black ones
    std::size_t pixels = 0;                  ///< where they begin

    std::size_t row_bytes() const { return (static_cast<std::size_t>(width) * bits + 31) / 32 * 4; }
};

inline bmp_header read_bmp_header(std::span<const std::byte> file, const refusal& refuse) {
    bmp_header h;
    cursor from(file, 10, refuse);
    h.pixels = from.number<std::uint32_t>();
    const auto header = from.number<std::uint32_t>();
    const bool core = header == 12;  // OS/2's
    if (!core && (header < 40 || header > 1024)) {
        refuse("is a bad BMP: its header has " + std::to_string(header) + " bytes");
    }
    h.width = core ? from.number<std::uint16_t>() : from.number<std::int32_t>();
    h.height = core ? from.number<std::uint16_t>() : from.number<std::int32_t>();
    h.from_above = h.height < 0;
    h.height = std::abs(h.height);
    from.take(2);
    h.bits = from.number<std::uint16_t>();
    std::uint32_t packing = 0, colours = 0;
    if (!core) {
        packing = from.number<std::uint32_t>();
        from.take(12);
        colours = from.number<std::uint32_t>();
        from.take(4);
    }
    require_size(static_cast<std::uint64_t>(std::max<std::int64_t>(h.width, 0)),
                 static_cast<std::uint64_t>(h.height), refuse);
    if (packing == 1 || packing == 2) refuse("is a BMP of run lengths, which are not read");
    const bool masked = packing == 3 || packing == 6;
    const bool direct = h.bits == 16 || h.bits == 24 || h.bits == 32;
    if ((packing != 0 && !masked) || (masked && h.bits != 16 && h.bits != 32)) {
        refuse("is a BMP of compression " + std::to_string(packing) + ", which is not read");
    }
    if (!direct && h.bits != 1 && h.bits != 4 && h.bits != 8) {
        refuse("is a bad BMP: a pixel has " + std::to_string(h.bits) + " bits");
    }
    if (h.bits == 16) h.masks = {0x7c00, 0x3e0, 0x1f};
    if (h.bits == 32) h.masks = {0xff0000, 0xff00, 0xff};
    if (masked) {
        for (auto& mask : h.masks) mask = from.number<std::uint32_t>();
    }
    if (!direct) {
        const std::size_t entries = std::size_t{1} << h.bits;
        if (colours == 0 || colours > entries) colours = static_cast<std::uint32_t>(entries);
        h.palette.resize(3 * entries);
        cursor table(file, 14 + std::size_t{header}, refuse);
        for (std::size_t i = 0; i < colours; ++i) {
            const auto entry = table.take(core ? 3 : 4);
            for (std::size_t c = 0; c < 3; ++c) {
                h.palette[3 * i + c] = std::to_integer<std::uint8_t>(entry[c]);
            }
        }
    }
    return h;
}

/// What lies under `mask`, scaled to 8 bits and rounded down.
inline std::uint8_t masked_sample(std::uint32_t pixel, std::uint32_t mask) {
    if (mask == 0) return 0;
    const auto most = std::uint64_t{mask >> std::countr_zero(mask)};
    const auto value = std::uint64_t{(pixel & mask) >> std::countr_zero(mask)};
    return static_cast<std::uint8_t>(value * 255 / most);
}

/// One row of `width` pixels as RGB.
inline void bmp_row(const bmp_header& h, const std::byte* from, std::uint8_t* to) {
    const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(from[i]); };
    for (std::size_t x = 0; x < static_cast<std::size_t>(h.width); ++x, to += 3) {
        if (h.bits == 24) {
            for (std::size_t c = 0; c < 3; ++c) {
                to[c] = static_cast<std::uint8_t>(byte(3 * x + 2 - c));
            }
        } else if (h.bits > 8) {
            std::uint32_t pixel = byte(h.bits / 8 * x) | byte(h.bits / 8 * x + 1) << 8;
            if (h.bits == 32) pixel |= byte(4 * x + 2) << 16 | byte(4 * x + 3) << 24;
            for (std::size_t c = 0; c < 3; ++c) to[c] = masked_sample(pixel, h.masks[c]);
        } else {
            const std::size_t bit = x * h.bits;
            const std::uint32_t index =
                byte(bit / 8) >> (8 - h.bits - bit % 8) & ((1u << h.bits) - 1);
            for (std::size_t c = 0; c < 3; ++c) to[c] = h.palette[3 * index + 2 - c];
        }
    }
}

}  // namespace detail

/// Hands over the picture in a BMP file's bytes: 1, 4 and 8 bits of a palette, 16, 24 and 32 of
/// colours; alpha is dropped. Room: a row.
/// throws: by `refuse` when it is too large, damaged, cut off, or stored as run lengths.
inline void decode_bmp(std::span<const std::byte> file, const refusal& refuse, picture_taker& to) {
    const auto header = detail::read_bmp_header(file, refuse);
    const auto height = static_cast<std::size_t>(header.height);
    const std::size_t bytes = header.row_bytes();
    if (header.pixels > file.size() || bytes * height > file.size() - header.pixels) {
        refuse("is a bad BMP: its pixels are cut off");
    }
    to.begin(static_cast<int>(header.width), static_cast<int>(height), 1);
    std::vector<std::uint8_t> row(3 * static_cast<std::size_t>(header.width));
    for (std::size_t y = 0; y < height; ++y) {
        const std::size_t stored = header.from_above ? y : height - 1 - y;
        detail::bmp_row(header, file.data() + header.pixels + stored * bytes, row.data());
        to.row(row.data());
    }
}

}  // namespace mpar::io
