// SPDX-License-Identifier: MIT
// Decodes JPEG by libjpeg(-turbo), with limits. Knows no file name and no preprocessing.
#pragma once

#include <mpar/io/refusal.hpp>
#include <mpar/io/rgb_image.hpp>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

#include <jpeglib.h>

namespace mpar::io {

namespace detail {

/// One decompression. libjpeg reports errors by longjmp: nothing that has a destructor may live
/// between attempt() and the library, so that every step is a lambda of plain pointers.
class jpeg_decoder {
public:
    jpeg_decoder(std::span<const std::byte> file, const refusal& refuse)
        : refuse_(refuse), file_(file) {
        info_.err = jpeg_std_error(&errors_.base);
        errors_.base.error_exit = [](j_common_ptr info) { leave(info); };
        errors_.base.output_message = [](j_common_ptr) {};
        errors_.base.emit_message = [](j_common_ptr info, int level) {
            if (level < 0) leave(info);  // a warning: damaged or cut off
        };
        progress_.base.progress_monitor = [](j_common_ptr info) { limit_scans(info); };
    }
    jpeg_decoder(const jpeg_decoder&) = delete;
    jpeg_decoder& operator=(const jpeg_decoder&) = delete;
    ~jpeg_decoder() { jpeg_destroy_decompress(&info_); }

    rgb_image decode() {
        const auto* bytes = reinterpret_cast<const unsigned char*>(file_.data());
        attempt([&] {
            jpeg_create_decompress(&info_);
            info_.mem->max_memory_to_use = 400'000'000;
            info_.progress = &progress_.base;
            progress_.scans = most_scans;
            jpeg_mem_src(&info_, bytes, static_cast<unsigned long>(file_.size()));
            jpeg_read_header(&info_, TRUE);
        });
        rgb_image image = blank_image(info_.image_width, info_.image_height, refuse_);
        const J_COLOR_SPACE colours = info_.jpeg_color_space;
        if (colours == JCS_CMYK || colours == JCS_YCCK) refuse_("is a CMYK JPEG, expected RGB");
        if (colours != JCS_GRAYSCALE && colours != JCS_YCbCr && colours != JCS_RGB) {
            refuse_("is a JPEG of " + std::to_string(info_.num_components) +
                    " components, expected 1 or 3");
        }
        // A scan costs time by the area whatever it holds: few scans for large images.
        const auto pixels = std::uint64_t(image.width) * std::uint64_t(image.height);
        progress_.scans =
            static_cast<int>(std::clamp<std::uint64_t>(1'000'000'000 / pixels, 20, most_scans));
        info_.out_color_space = JCS_RGB;
        std::uint8_t* row = image.pixels.data();
        const std::size_t row_bytes = 3 * static_cast<std::size_t>(image.width);
        attempt([&] {
            jpeg_start_decompress(&info_);
            while (info_.output_scanline < info_.output_height) {
                JSAMPROW rows = row + info_.output_scanline * row_bytes;
                jpeg_read_scanlines(&info_, &rows, 1);
            }
            jpeg_finish_decompress(&info_);
        });
        return image;
    }

private:
    static constexpr int most_scans = 100;

    struct error_state {
        jpeg_error_mgr base;  // first: the library hands back its address
        std::jmp_buf back;
        char message[JMSG_LENGTH_MAX];
    };
    struct progress_state {
        jpeg_progress_mgr base;  // first
        int scans;
    };

    [[noreturn]] static void leave(j_common_ptr info) {
        auto* state = reinterpret_cast<error_state*>(info->err);
        info->err->format_message(info, state->message);
        std::longjmp(state->back, 1);
    }

    static void limit_scans(j_common_ptr info) {
        auto* state = reinterpret_cast<progress_state*>(info->progress);
        if (!info->is_decompressor) return;
        if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= state->scans) return;
        auto* errors = reinterpret_cast<error_state*>(info->err);
        std::snprintf(errors->message, sizeof(errors->message), "more than %d scans", state->scans);
        std::longjmp(errors->back, 1);
    }

    template <class Step>
    bool returns(Step& step) {
        if (setjmp(errors_.back) != 0) return false;
        step();
        return true;
    }

    template <class Step>
    void attempt(Step step) {
        if (!returns(step)) refuse_("is a bad JPEG: " + printable(errors_.message, 100));
    }

    const refusal& refuse_;
    std::span<const std::byte> file_;
    jpeg_decompress_struct info_{};
    error_state errors_{};
    progress_state progress_{};
};

}  // namespace detail

/// The picture in a JPEG file's bytes: baseline, progressive or arithmetic; gray becomes RGB.
/// throws: by `refuse` when it is too large, damaged, cut off, CMYK, or of too many scans.
inline rgb_image decode_jpeg(std::span<const std::byte> file, const refusal& refuse) {
    return detail::jpeg_decoder(file, refuse).decode();
}

}  // namespace mpar::io
