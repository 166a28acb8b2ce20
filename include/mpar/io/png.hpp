// SPDX-License-Identifier: MIT
// Decodes PNG by libpng, with limits. Knows no file name and no preprocessing.
#pragma once

#include <mpar/io/refusal.hpp>
#include <mpar/io/rgb_image.hpp>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include <png.h>

namespace mpar::io {

namespace detail {

inline constexpr std::string_view png_magic{"\x89PNG\r\n\x1a\n", 8};

/// One decompression. libpng reports errors by longjmp: nothing that has a destructor may live
/// between attempt() and the library, so that every step is a lambda of plain pointers.
class png_decoder {
public:
    png_decoder(std::span<const std::byte> file, const refusal& refuse)
        : refuse_(refuse), file_(file) {
        png_ = png_create_read_struct(
            PNG_LIBPNG_VER_STRING, this,
            [](png_structp png, png_const_charp message) {
                auto* self = static_cast<png_decoder*>(png_get_error_ptr(png));
                std::snprintf(self->message_, sizeof(self->message_), "%s", message);
                std::longjmp(self->back_, 1);
            },
            [](png_structp, png_const_charp) {});
        if (png_) info_ = png_create_info_struct(png_);
        if (!info_) {
            png_destroy_read_struct(&png_, nullptr, nullptr);
            refuse_("cannot be decoded: no memory for libpng");
        }
    }
    png_decoder(const png_decoder&) = delete;
    png_decoder& operator=(const png_decoder&) = delete;
    ~png_decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

    rgb_image decode() {
        rgb_image image = blank_from_header();
        const auto row_bytes = 3 * static_cast<std::size_t>(image.width);
        std::vector<png_bytep> rows;
        for (int y = 0; y < image.height; ++y) {
            rows.push_back(image.pixels.data() + static_cast<std::size_t>(y) * row_bytes);
        }
        png_bytep* first = rows.data();
        attempt([&] {
            png_set_user_limits(png_, max_image_side, max_image_side);
            png_set_chunk_malloc_max(png_, 4'000'000);
            png_set_chunk_cache_max(png_, 100);
            // Text, profiles, gamma: not looked at, as PIL does not either when it makes RGB.
            png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
            png_set_read_fn(png_, this, [](png_structp png, png_bytep to, std::size_t count) {
                static_cast<png_decoder*>(png_get_io_ptr(png))->read(to, count);
            });
            png_read_info(png_, info_);
            png_set_expand(png_);
            png_set_strip_16(png_);
            png_set_gray_to_rgb(png_);
            png_set_strip_alpha(png_);
            png_set_interlace_handling(png_);
            png_read_update_info(png_, info_);
            if (png_get_rowbytes(png_, info_) != row_bytes) png_error(png_, "not RGB");
            png_read_image(png_, first);
            png_read_end(png_, nullptr);
        });
        return image;
    }

private:
    /// The first chunk: its length (13), "IHDR", width, height, big-endian.
    rgb_image blank_from_header() const {
        constexpr std::size_t header_end = 24;
        if (file_.size() < header_end || std::memcmp(file_.data() + 12, "IHDR", 4) != 0) {
            refuse_("is a bad PNG: it does not begin with a header");
        }
        const auto number = [this](std::size_t at) {
            std::uint64_t value = 0;
            for (std::size_t i = at; i < at + 4; ++i) {
                value = value << 8 | std::to_integer<std::uint64_t>(file_[i]);
            }
            return value;
        };
        return blank_image(number(16), number(20), refuse_);
    }

    void read(png_bytep to, std::size_t count) {
        if (count > file_.size() - position_) png_error(png_, "the file is cut off");
        std::memcpy(to, file_.data() + position_, count);
        position_ += count;
    }

    template <class Step>
    bool returns(Step& step) {
        if (setjmp(back_) != 0) return false;
        step();
        return true;
    }

    template <class Step>
    void attempt(Step step) {
        if (!returns(step)) refuse_("is a bad PNG: " + printable(message_, 100));
    }

    const refusal& refuse_;
    std::span<const std::byte> file_;
    std::size_t position_ = 0;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::jmp_buf back_{};
    char message_[128] = {};
};

}  // namespace detail

/// The picture in a PNG file's bytes. Palette and gray become RGB, of 16 bits the upper 8 are kept
/// (PIL does so for colours, but cuts 16-bit gray off at 255), alpha is dropped.
/// throws: by `refuse` when it is too large, damaged or cut off.
inline rgb_image decode_png(std::span<const std::byte> file, const refusal& refuse) {
    return detail::png_decoder(file, refuse).decode();
}

}  // namespace mpar::io
