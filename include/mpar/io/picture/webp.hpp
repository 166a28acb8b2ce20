// SPDX-License-Identifier: MIT
// Decodes WebP by libwebp where the build has it, with limits. Knows no file name and no
// preprocessing.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/picture/exif.hpp>
#include <mpar/io/picture/picture_taker.hpp>
#include <mpar/io/picture/rgb_image.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#if MPAR_HAVE_WEBP
#include <webp/decode.h>
#include <webp/demux.h>
#endif

namespace mpar::io {

#if MPAR_HAVE_WEBP

/// Hands over the picture in a WebP file's bytes, of several the first; alpha is dropped. Room: the
/// whole picture, 3 bytes a pixel, and what libwebp needs, at most 4 more.
/// throws: by `refuse` when it is too large, damaged or cut off, or mpar was built without libwebp.
inline void decode_webp(std::span<const std::byte> file, const refusal& refuse, picture_taker& to) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(file.data());
    const WebPData data{bytes, file.size()};
    const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> parts(WebPDemux(&data),
                                                                     &WebPDemuxDelete);
    if (!parts) refuse("is a bad WebP: it is damaged or cut off");
    const std::uint64_t width = WebPDemuxGetI(parts.get(), WEBP_FF_CANVAS_WIDTH);
    const std::uint64_t height = WebPDemuxGetI(parts.get(), WEBP_FF_CANVAS_HEIGHT);
    detail::require_size(width, height, refuse);

    int orientation = 1;
    WebPChunkIterator chunk;
    if (WebPDemuxGetChunk(parts.get(), "EXIF", 1, &chunk)) {
        orientation =
            exif_orientation(std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size)));
        WebPDemuxReleaseChunkIterator(&chunk);
    }

    WebPIterator frame;  // of a still picture, all of it; nothing in it is to be given back
    if (!WebPDemuxGetFrame(parts.get(), 1, &frame)) refuse("is a bad WebP: it holds no picture");
    const auto left = static_cast<std::size_t>(frame.x_offset);
    const auto top = static_cast<std::size_t>(frame.y_offset);
    const auto across = static_cast<std::size_t>(frame.width);
    const auto down = static_cast<std::size_t>(frame.height);
    if (left + across > width || top + down > height) {
        refuse("is a bad WebP: its first picture is not within its frame");
    }
    std::vector<std::uint8_t> pixels(3 * across * down);
    if (!WebPDecodeRGBInto(frame.fragment.bytes, frame.fragment.size, pixels.data(), pixels.size(),
                           static_cast<int>(3 * across))) {
        refuse("is a bad WebP: it is damaged or cut off");
    }

    to.begin(static_cast<int>(width), static_cast<int>(height), orientation);
    std::vector<std::uint8_t> row(3 * width);
    for (std::size_t y = 0; y < height; ++y) {
        std::ranges::fill(row, std::uint8_t{0});
        if (y >= top && y < top + down) {
            std::copy_n(pixels.data() + 3 * across * (y - top), 3 * across, row.data() + 3 * left);
        }
        to.row(row.data());
    }
}

#else

/// throws: by `refuse`, always: libwebp was not there when mpar was built.
[[noreturn]] inline void decode_webp(std::span<const std::byte>, const refusal& refuse,
                                     picture_taker&) {
    refuse("is a WebP picture, and this program was built without libwebp");
}

#endif

}  // namespace mpar::io
