// SPDX-License-Identifier: MIT
// Reads a picture of any format that io knows, told apart by their first bytes.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/io/picture/bmp.hpp>
#include <mpar/io/picture/jpeg.hpp>
#include <mpar/io/picture/picture_taker.hpp>
#include <mpar/io/picture/png.hpp>
#include <mpar/io/picture/rgb_image.hpp>
#include <mpar/io/picture/tiff.hpp>
#include <mpar/io/picture/webp.hpp>
#include <mpar/io/preprocess.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mpar::io {

/// Hands over the picture in a file's bytes: JPEG, PNG, BMP, and WebP and TIFF where mpar was built
/// with their libraries. No colour profile is applied. Several calls may run at a time.
///
/// Room beside what `to` keeps: a few rows. More is taken, a pixel, by a JPEG of several scans
/// (progressive: 6 bytes, CMYK 8), an interlaced PNG (3), a WebP (7), a TIFF of one strip (at most 12).
/// throws: by `refuse` when the bytes are no picture, damaged or without some of the pixels, or the
/// picture has more than 178,956,970 pixels (PIL's limit) or 1,000,000 a side.
inline void decode_image(std::span<const std::byte> file, const refusal& refuse,
                         picture_taker& to) {
    using namespace std::literals;
    const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
    const auto begins = [&](std::string_view with) { return text.starts_with(with); };
    if (begins("\xff\xd8\xff")) return decode_jpeg(file, refuse, to);
    if (begins(detail::png_magic)) return decode_png(file, refuse, to);
    if (begins("BM")) return decode_bmp(file, refuse, to);
    if (begins("RIFF") && text.substr(0, 12).ends_with("WEBP"))
        return decode_webp(file, refuse, to);
    for (const auto magic : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv}) {
        if (begins(magic)) return decode_tiff(file, refuse, to);
    }
    if (text.empty()) refuse("is empty");
    refuse("is neither a JPEG nor a PNG image, nor BMP, WebP or TIFF");
}

/// The bytes of the picture file `path`.
/// throws: error(fault::input) when it cannot be opened or has more than 1 GiB.
inline std::vector<std::byte> read_image_file(const std::string& path) {
    return read_file(path, max_image_file_bytes, fault::input);
}

/// The picture in the file `path`, whole, as PIL's Image.open(path).convert("RGB") gives it, and
/// upright where its file says how it lies. Room: the file, and 3 bytes a pixel beside decode_image's.
/// throws: error(fault::input), as read_image_file and decode_image.
inline rgb_image read_image(const std::string& path, orientation asked = orientation::exif) {
    whole_picture picture(asked);
    decode_image(read_image_file(path), refusal(fault::input, path), picture);
    return picture.take();
}

/// The picture in a file's bytes, resized, cropped and normalised: out[c][y][x], 3 * crop * crop
/// values, one image of an NCHW batch. The same as preprocess of the whole picture, which is never in
/// memory. throws: as decode_image and resize_and_crop; `out` is then untouched.
template <std::floating_point T>
void preprocess(std::span<const std::byte> file, const refusal& refuse, const preprocessing& how,
                orientation asked, T* out) {
    cropped_picture picture(how, asked);
    decode_image(file, refuse, picture);
    normalise(picture.take(), how, out);
}

}  // namespace mpar::io
