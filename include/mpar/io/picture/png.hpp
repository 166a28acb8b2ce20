// SPDX-License-Identifier: MIT
// Decodes PNG by libpng, with limits. Knows no file name and no preprocessing.
#pragma once

#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/picture/exif.hpp>
#include <mpar/io/picture/picture_taker.hpp>
#include <mpar/io/picture/rgb_image.hpp>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <png.h>

namespace mpar::io {

namespace detail {

inline constexpr std::string_view png_magic{"\x89PNG\r\n\x1a\n", 8};

/// A PNG file as libpng is to read it. Of a file whose end is missing the last chunk of pixels is
/// given the length that is left of it, and the picture's last chunk follows.
class png_stream {
public:
    explicit png_stream(std::span<const std::byte> file) {
        std::size_t chunk = std::min(png_magic.size(), file.size());
        std::uint64_t length = 0;
        for (;; chunk += 12 + length) {  // length, name, data, sum
            const std::size_t left = file.size() - chunk;
            if (left >= 8) length = number(file, chunk);
            if (left < 12 || length > left - 12) break;
            if (named(file, chunk, "eXIf") && exif_.empty())
                exif_ = file.subspan(chunk + 8, length);
            if (named(file, chunk, "IEND")) {
                parts_[0] = file;
                return;
            }
        }
        cut_ = true;
        parts_[0] = file.first(chunk);
        parts_[3] = std::as_bytes(std::span(end_));
        const auto rest = file.subspan(chunk);
        if (rest.size() <= 8 || !named(file, chunk, "IDAT")) return;
        length = std::min<std::uint64_t>(length, rest.size() - 8);
        for (std::size_t i = 0; i < 4; ++i) head_[i] = std::byte(length >> 8 * (3 - i) & 0xff);
        std::ranges::copy(rest.subspan(4, 4), head_.begin() + 4);
        parts_[1] = head_;
        parts_[2] = rest.subspan(8, length);
        parts_[3] = std::as_bytes(std::span(sum_and_end_));
    }
    png_stream(const png_stream&) = delete;
    png_stream& operator=(const png_stream&) = delete;

    /// The big-endian number of four bytes at that place, which must be there.
    static std::uint64_t number(std::span<const std::byte> file, std::size_t at) {
        std::uint64_t value = 0;
        for (const auto byte : file.subspan(at, 4)) {
            value = value << 8 | std::to_integer<std::uint64_t>(byte);
        }
        return value;
    }
    static bool named(std::span<const std::byte> file, std::size_t chunk, const char* name) {
        return std::memcmp(file.data() + chunk + 4, name, 4) == 0;
    }

    /// The block of EXIF, or nothing.
    std::span<const std::byte> exif() const { return exif_; }
    bool is_cut() const { return cut_; }
    /// Whether what is read now is the last chunk of a file that is cut: its sum is not there.
    bool lacks_sum() const { return part_ > 0; }

    /// Whether there were so many bytes.
    bool read(png_bytep to, std::size_t count) {
        while (count > 0) {
            if (part_ == parts_.size()) return false;
            const std::size_t some = std::min(count, parts_[part_].size());
            if (some > 0) std::memcpy(to, parts_[part_].data(), some);
            parts_[part_] = parts_[part_].subspan(some);
            if (parts_[part_].empty()) ++part_;
            to += some, count -= some;
        }
        return true;
    }

private:
    static constexpr char end_[] = "\0\0\0\0IEND\xae\x42\x60\x82";
    static constexpr char sum_and_end_[] = "\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82";

    bool cut_ = false;
    std::span<const std::byte> exif_;
    std::array<std::byte, 8> head_{};
    std::array<std::span<const std::byte>, 4> parts_{};
    std::size_t part_ = 0;
};

/// One decompression. libpng reports errors by longjmp: nothing that has a destructor may live
/// between attempt() and the library, so that every step is a lambda of plain pointers.
class png_decoder {
public:
    png_decoder(std::span<const std::byte> file, const refusal& refuse)
        : refuse_(refuse), file_(file), stream_(file) {
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

    void decode(picture_taker& to) {
        const auto [width, height] = size_from_header();
        std::vector<std::uint8_t> pixels(3 * static_cast<std::size_t>(width));
        const std::size_t row_bytes = pixels.size();
        attempt([&] {
            png_set_user_limits(png_, max_image_side, max_image_side);
            png_set_chunk_malloc_max(png_, 4'000'000);
            png_set_chunk_cache_max(png_, 100);
            // Text, profiles, gamma: not looked at, as PIL does not either when it makes RGB.
            png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
            png_set_read_fn(png_, this, [](png_structp png, png_bytep bytes, std::size_t count) {
                static_cast<png_decoder*>(png_get_io_ptr(png))->read(bytes, count);
            });
            png_read_info(png_, info_);
            png_set_expand(png_);
            png_set_strip_16(png_);
            png_set_gray_to_rgb(png_);
            png_set_strip_alpha(png_);
            png_set_interlace_handling(png_);
            png_read_update_info(png_, info_);
            if (png_get_rowbytes(png_, info_) != row_bytes) png_error(png_, "not RGB");
        });
        to.begin(width, height, exif_orientation(stream_.exif()));
        if (png_get_interlace_type(png_, info_) == PNG_INTERLACE_NONE) {
            for (int y = 0; y < height; ++y) {
                attempt([&] { png_read_row(png_, pixels.data(), nullptr); });
                to.row(pixels.data());
            }
            return;
        }
        pixels.resize(row_bytes * static_cast<std::size_t>(height));
        std::vector<png_bytep> rows;
        for (int y = 0; y < height; ++y) {
            rows.push_back(pixels.data() + static_cast<std::size_t>(y) * row_bytes);
        }
        attempt([&] { png_read_image(png_, rows.data()); });
        for (const auto* row : rows) to.row(row);
    }

private:
    /// From the first chunk: its length (13), "IHDR", width, height.
    std::pair<int, int> size_from_header() const {
        constexpr std::size_t header_end = 24;
        if (file_.size() < header_end || !png_stream::named(file_, 8, "IHDR")) {
            refuse_("is a bad PNG: it does not begin with a header");
        }
        const auto width = png_stream::number(file_, 16), height = png_stream::number(file_, 20);
        require_size(width, height, refuse_);
        return {static_cast<int>(width), static_cast<int>(height)};
    }

    void read(png_bytep to, std::size_t count) {
        if (!stream_.read(to, count)) png_error(png_, "the file is cut off");
        if (stream_.lacks_sum()) png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_DEFAULT);
    }

    /// Whether the last row has been read, by libpng's count of rows, or of passes over them.
    bool has_all_rows() const {
        const auto height = png_get_image_height(png_, info_);
        if (height == 0) return false;  // no header has been read
        if (png_get_interlace_type(png_, info_) == PNG_INTERLACE_NONE) {
            return png_get_current_row_number(png_) >= height;
        }
        return png_get_current_pass_number(png_) >= 7;
    }

    template <class Step>
    bool returns(Step& step) {
        if (setjmp(back_) != 0) return false;
        step();
        return true;
    }

    template <class Step>
    void attempt(Step step) {
        if (returns(step)) return;
        if (!stream_.is_cut()) refuse_("is a bad PNG: " + printable(message_, 100));
        if (!has_all_rows()) refuse_("is a bad PNG: the file is cut off");
    }

    const refusal& refuse_;
    std::span<const std::byte> file_;
    png_stream stream_;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::jmp_buf back_{};
    char message_[128] = {};
};

}  // namespace detail

/// Hands over the picture in a PNG file's bytes. Palette and gray become RGB, of 16 bits the upper 8
/// are kept (PIL does so for colours, but cuts 16-bit gray off at 255), alpha is dropped. An end that
/// is missing behind the last pixel is no error. Room: a row; of an interlaced picture, all of it.
/// throws: by `refuse` when it is too large, damaged, or lacks pixels.
inline void decode_png(std::span<const std::byte> file, const refusal& refuse, picture_taker& to) {
    detail::png_decoder(file, refuse).decode(to);
}

}  // namespace mpar::io
