// SPDX-License-Identifier: MIT
// Decodes JPEG by libjpeg(-turbo), with limits. Knows no file name and no preprocessing.
#pragma once

#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/picture/exif.hpp>
#include <mpar/io/picture/picture_taker.hpp>
#include <mpar/io/picture/rgb_image.hpp>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <jpeglib.h>

#include <jerror.h>

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
            if (level < 0) warn(info);
        };
        progress_.base.progress_monitor = [](j_common_ptr info) { limit_scans(info); };
    }
    jpeg_decoder(const jpeg_decoder&) = delete;
    jpeg_decoder& operator=(const jpeg_decoder&) = delete;
    ~jpeg_decoder() { jpeg_destroy_decompress(&info_); }

    void decode(picture_taker& to) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(file_.data());
        attempt([&] {
            jpeg_create_decompress(&info_);
            info_.progress = &progress_.base;
            progress_.scans = most_scans;
            jpeg_save_markers(&info_, exif_marker, 0xffff);
            jpeg_mem_src(&info_, bytes, static_cast<unsigned long>(file_.size()));
            jpeg_read_header(&info_, TRUE);
        });
        require_size(info_.image_width, info_.image_height, refuse_);
        const bool inks = choose_colours();
        // A scan costs time by the area whatever it holds: few scans for large images.
        const auto width = std::uint64_t{info_.image_width};
        const auto height = std::uint64_t{info_.image_height};
        progress_.scans = static_cast<int>(
            std::clamp<std::uint64_t>(1'000'000'000 / (width * height), 20, most_scans));
        // What several scans add to: two bytes a sample, sides rounded up to whole blocks.
        const auto samples = (width + 64) * (height + 64) * std::uint64_t(info_.num_components);
        info_.mem->max_memory_to_use = static_cast<long>(2 * samples + 50'000'000);
        errors_.needs_end = jpeg_has_multiple_scans(&info_);
        to.begin(static_cast<int>(width), static_cast<int>(height), stored_orientation());
        std::vector<std::uint8_t> row((inks ? 4 : 3) * width);
        JSAMPROW rows = row.data();
        attempt([&] { jpeg_start_decompress(&info_); });
        while (info_.output_scanline < info_.output_height) {
            attempt([&] { jpeg_read_scanlines(&info_, &rows, 1); });
            if (inks) inks_to_rgb(row.data(), width);
            to.row(row.data());
        }
    }

private:
    static constexpr int most_scans = 100;
    static constexpr int exif_marker = JPEG_APP0 + 1;

    struct error_state {
        jpeg_error_mgr base;  // first: the library hands back its address
        std::jmp_buf back;
        char message[JMSG_LENGTH_MAX];
        bool needs_end = true;  ///< whether pixels are missing where the file ends without a mark
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

    /// Warnings are of what may well be read, but for pixels that are not there. libjpeg goes on
    /// behind the end of the data as if a mark stood there, and warns again where a pixel needs more.
    static void warn(j_common_ptr info) {
        const auto* state = reinterpret_cast<error_state*>(info->err);
        const int what = info->err->msg_code;
        if (what == JWRN_HIT_MARKER || (what == JWRN_JPEG_EOF && state->needs_end)) leave(info);
    }

    static void limit_scans(j_common_ptr info) {
        auto* state = reinterpret_cast<progress_state*>(info->progress);
        if (!info->is_decompressor) return;
        if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= state->scans) return;
        auto* errors = reinterpret_cast<error_state*>(info->err);
        std::snprintf(errors->message, sizeof(errors->message), "more than %d scans", state->scans);
        std::longjmp(errors->back, 1);
    }

    /// Whether the samples come as four inks. throws: by refuse_, of colours that are not known.
    bool choose_colours() {
        const J_COLOR_SPACE stored = info_.jpeg_color_space;
        const bool inks = stored == JCS_CMYK || stored == JCS_YCCK;
        if (!inks && stored != JCS_GRAYSCALE && stored != JCS_YCbCr && stored != JCS_RGB) {
            refuse_("is a JPEG of " + std::to_string(info_.num_components) +
                    " components, expected 1, 3 or 4");
        }
        info_.out_color_space = inks ? JCS_CMYK : JCS_RGB;
        return inks;
    }

    /// In place, from cyan, magenta, yellow, black as they are stored: inverted, as Adobe's programs
    /// do it. Pillow takes every file for such a one, with Adobe's mark or without, and rounds so.
    static void inks_to_rgb(std::uint8_t* row, std::size_t pixels) {
        for (std::size_t x = 0; x < pixels; ++x) {
            const int light = row[4 * x + 3];
            for (std::size_t c = 0; c < 3; ++c) {
                const int ink = (255 - row[4 * x + c]) * light + 128;
                row[3 * x + c] = static_cast<std::uint8_t>(light - ((ink + (ink >> 8)) >> 8));
            }
        }
    }

    int stored_orientation() const {
        constexpr std::string_view mark{"Exif\0\0", 6};
        for (auto m = info_.marker_list; m != nullptr; m = m->next) {
            const auto* data = reinterpret_cast<const std::byte*>(m->data);
            if (m->data_length < mark.size() || std::memcmp(data, mark.data(), mark.size()) != 0)
                continue;
            return exif_orientation({data + mark.size(), m->data_length - mark.size()});
        }
        return 1;
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

/// Hands over the picture in a JPEG file's bytes: baseline, progressive or arithmetic. Gray becomes
/// RGB, and so do CMYK and YCCK, to PIL's bytes; colour profiles are not looked at. What libjpeg only
/// warns of is read. Room: a few rows; of several scans, 2 bytes for each of a pixel's components.
/// throws: by `refuse` when it is too large, damaged, lacks pixels, or has too many scans.
inline void decode_jpeg(std::span<const std::byte> file, const refusal& refuse, picture_taker& to) {
    detail::jpeg_decoder(file, refuse).decode(to);
}

}  // namespace mpar::io
