// SPDX-License-Identifier: MIT
// Decodes TIFF by libtiff where the build has it, with limits. Knows no file name and no
// preprocessing.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/picture/picture_taker.hpp>
#include <mpar/io/picture/rgb_image.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#if MPAR_HAVE_TIFF
#include <tiffio.h>
#endif

namespace mpar::io {

#if MPAR_HAVE_TIFF

namespace detail {

/// One TIFF file in memory, opened for libtiff. Nothing is printed, and no handler of the process is
/// touched.
class tiff_decoder {
public:
    tiff_decoder(std::span<const std::byte> file, const refusal& refuse)
        : refuse_(refuse), file_(file) {
        const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(
            TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
        if (!options) refuse_("cannot be decoded: no memory for libtiff");
        TIFFOpenOptionsSetErrorHandlerExtR(
            options.get(),
            [](TIFF*, void* self, const char*, const char* format, va_list values) {
                auto* message = static_cast<tiff_decoder*>(self)->message_;
                if (*message == 0) std::vsnprintf(message, message_bytes, format, values);
                return 1;
            },
            this);
        TIFFOpenOptionsSetWarningHandlerExtR(
            options.get(), [](TIFF*, void*, const char*, const char*, va_list) { return 1; },
            nullptr);
        tiff_.reset(TIFFClientOpenExt(
            "picture", "r", this, &tiff_decoder::read,
            [](thandle_t, void*, tmsize_t) { return tmsize_t{-1}; }, &tiff_decoder::seek,
            [](thandle_t) { return 0; },
            [](thandle_t self) {
                return static_cast<toff_t>(static_cast<tiff_decoder*>(self)->file_.size());
            },
            &tiff_decoder::map, [](thandle_t, void*, toff_t) {}, options.get()));
        if (!tiff_) bad();
    }
    tiff_decoder(const tiff_decoder&) = delete;
    tiff_decoder& operator=(const tiff_decoder&) = delete;

    void decode(picture_taker& to) {
        TIFF* tiff = tiff_.get();
        std::uint32_t width = 0, height = 0;
        TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
        TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
        require_size(width, height, refuse_);
        // A strip or a tile is decoded whole: of more than the picture it would be a bomb.
        const auto block = TIFFIsTiled(tiff) ? TIFFTileSize64(tiff) : TIFFStripSize64(tiff);
        if (block > 8 * std::uint64_t{width} * height + 64'000'000) {
            refuse_("is a bad TIFF: a part of it takes " + std::to_string(block) + " bytes");
        }
        std::uint16_t orientation = 1, extra = 0, *kinds = nullptr;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
        // Colours come as they are stored: not multiplied by their alpha.
        if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &extra, &kinds) == 1 && extra > 0) {
            std::vector<std::uint16_t> plain(kinds, kinds + extra);
            if (plain[0] == EXTRASAMPLE_UNASSALPHA) plain[0] = EXTRASAMPLE_ASSOCALPHA;
            TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, extra, plain.data());
        }
        TIFFRGBAImage image;
        char why[1024] = "";
        if (!TIFFRGBAImageBegin(&image, tiff, 1, why)) bad(why);
        const std::unique_ptr<TIFFRGBAImage, void (*)(TIFFRGBAImage*)> ends(&image,
                                                                            &TIFFRGBAImageEnd);
        image.req_orientation = image.orientation;  // rows come as they are stored
        to.begin(static_cast<int>(width), static_cast<int>(height), orientation);
        const std::uint32_t band = std::min(height, rows_at_a_time());
        std::vector<std::uint32_t> raster(std::size_t{band} * width);
        std::vector<std::uint8_t> row(3 * std::size_t{width});
        for (std::uint32_t y = 0; y < height; y += band) {
            const std::uint32_t rows = std::min(band, height - y);
            image.row_offset = static_cast<int>(y);
            if (!TIFFRGBAImageGet(&image, raster.data(), width, rows)) bad();
            for (std::uint32_t r = 0; r < rows; ++r) {
                const std::uint32_t* pixel = raster.data() + std::size_t{r} * width;
                for (std::size_t x = 0; x < width; ++x) {
                    row[3 * x] = static_cast<std::uint8_t>(TIFFGetR(pixel[x]));
                    row[3 * x + 1] = static_cast<std::uint8_t>(TIFFGetG(pixel[x]));
                    row[3 * x + 2] = static_cast<std::uint8_t>(TIFFGetB(pixel[x]));
                }
                to.row(row.data());
            }
        }
    }

private:
    static constexpr std::size_t message_bytes = 256;

    /// Of a strip, or of a line of tiles.
    std::uint32_t rows_at_a_time() const {
        std::uint32_t rows = 0;
        TIFFGetFieldDefaulted(tiff_.get(),
                              TIFFIsTiled(tiff_.get()) ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP,
                              &rows);
        return std::max(rows, 1u);
    }

    [[noreturn]] void bad(const char* why = "") const {
        const char* words = *why != 0 ? why : *message_ != 0 ? message_ : "it cannot be decoded";
        refuse_("is a bad TIFF: " + printable(words, 100));
    }

    static tmsize_t read(thandle_t handle, void* to, tmsize_t count) {
        auto* self = static_cast<tiff_decoder*>(handle);
        const std::size_t left = self->file_.size() - self->position_;
        const std::size_t some =
            std::min(left, static_cast<std::size_t>(std::max<tmsize_t>(count, 0)));
        if (some > 0) std::memcpy(to, self->file_.data() + self->position_, some);
        self->position_ += some;
        return static_cast<tmsize_t>(some);
    }
    static toff_t seek(thandle_t handle, toff_t offset, int whence) {
        auto* self = static_cast<tiff_decoder*>(handle);
        if (whence == SEEK_CUR) offset += self->position_;
        if (whence == SEEK_END) offset += self->file_.size();
        self->position_ = static_cast<std::size_t>(std::min<toff_t>(offset, self->file_.size()));
        return offset;
    }

    /// Hands out the file itself, which libtiff then need not copy.
    static int map(thandle_t handle, void** begin, toff_t* length) {
        const auto file = static_cast<tiff_decoder*>(handle)->file_;
        *begin = const_cast<std::byte*>(file.data());
        *length = file.size();
        return 1;
    }

    const refusal& refuse_;
    std::span<const std::byte> file_;
    std::size_t position_ = 0;
    char message_[message_bytes] = {};
    std::unique_ptr<TIFF, void (*)(TIFF*)> tiff_{nullptr, &TIFFClose};
};

}  // namespace detail

/// Hands over the first picture in a TIFF file's bytes, of any kind that libtiff turns into RGBA:
/// palette, gray, CMYK and YCbCr too, 16 bits rounded to 8; alpha is dropped. Room: a strip or a line
/// of tiles, 4 bytes a pixel beside libtiff's own.
/// throws: by `refuse` when it is too large, damaged, cut off, of another kind, or mpar was built
/// without libtiff.
inline void decode_tiff(std::span<const std::byte> file, const refusal& refuse, picture_taker& to) {
    detail::tiff_decoder(file, refuse).decode(to);
}

#else

/// throws: by `refuse`, always: libtiff was not there when mpar was built.
[[noreturn]] inline void decode_tiff(std::span<const std::byte>, const refusal& refuse,
                                     picture_taker&) {
    refuse("is a TIFF picture, and this program was built without libtiff (4.5 or later)");
}

#endif

}  // namespace mpar::io
