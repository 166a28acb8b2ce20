// SPDX-License-Identifier: MIT
// Reads a picture of any format that io knows, told apart by their first bytes.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/io/jpeg.hpp>
#include <mpar/io/png.hpp>
#include <mpar/io/rgb_image.hpp>

#include <string>
#include <string_view>

namespace mpar::io {

/// The JPEG or PNG file `path` as PIL's Image.open(path).convert("RGB") gives it: no rotation by
/// EXIF, no colour profile.
/// throws: error(fault::input) when the file cannot be opened, has more than 256 MiB, is neither,
/// is damaged or cut off, or the picture has more than 16,384 pixels a side or 50 million in all.
inline rgb_image read_image(const std::string& path) {
    const auto bytes = read_file(path, max_image_file_bytes, fault::input);
    const refusal refuse(fault::input, path);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with("\xff\xd8\xff")) return decode_jpeg(bytes, refuse);
    if (text.starts_with(detail::png_magic)) return decode_png(bytes, refuse);
    if (text.empty()) refuse("is empty");
    refuse("is neither a JPEG nor a PNG image");
}

}  // namespace mpar::io
