// SPDX-License-Identifier: MIT
// How much memory a picture takes on its way to a network: pictures too large to be held whole.
// program: own
// sanitize: no
#include "io/pictures.hpp"

#include <mpar/io/image.hpp>

#include <cstdlib>
#include <new>

#include <malloc.h>

namespace {

std::size_t held = 0, most = 0;

void* take(std::size_t count) {
    void* bytes = std::malloc(count);
    if (!bytes) throw std::bad_alloc();
    held += malloc_usable_size(bytes);
    most = std::max(most, held);
    return bytes;
}

}  // namespace

void* operator new(std::size_t count) { return take(count); }
void operator delete(void* bytes) noexcept {
    if (bytes) held -= malloc_usable_size(bytes);
    std::free(bytes);
}
void operator delete(void* bytes, std::size_t) noexcept { operator delete(bytes); }

using namespace mpar;
using namespace io_test;

namespace {

/// What preprocessing holds at most, beside the file's bytes and the numbers that it writes.
std::size_t room(const std::string& file, std::vector<float>& out) {
    const std::size_t before = held;
    most = held;
    io::preprocess(std::as_bytes(std::span(file)), {fault::input, "large"},
                   io::preprocessing::half(), io::orientation::exif, out.data());
    return most - before;
}

/// A PNG of one bit a pixel, all of them white.
std::string white_png(int width, int height) {
    const std::vector<std::uint8_t> row(static_cast<std::size_t>(width + 7) / 8, 0xff);
    return png(width, height, 1, PNG_COLOR_TYPE_GRAY,
               std::vector<std::vector<std::uint8_t>>(static_cast<std::size_t>(height), row));
}

}  // namespace

TEST_CASE("a PNG of 60 million pixels takes a few megabytes") {
    std::vector<float> out(3 * 224 * 224);
    for (const auto& [width, height] : {std::pair{20'000, 3'000}, {3'000, 20'000}}) {
        CHECK(room(white_png(width, height), out) < 3'000'000);
        CHECK(out == std::vector<float>(3 * 224 * 224, 1.0f));
    }
}

TEST_CASE("a JPEG that lies on its side is never held whole") {
    const auto file = jpeg(4000, 3000, std::vector<std::uint8_t>(4000 * 3000, 255), {1});
    std::vector<float> out(3 * 224 * 224);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        const auto lying =
            jpeg_with(file, 0xe1, std::string("Exif\0\0", 6) + exif(orientation, true));
        CHECK(room(lying, out) < 3'000'000);  // the picture has 36 million bytes
        CHECK(out == std::vector<float>(3 * 224 * 224, 1.0f));
    }
}

TEST_CASE("too large a picture is refused before memory is taken") {
    std::vector<float> out(3 * 224 * 224);
    for (const auto& file :
         {png_header(1'000'000, 179), jpeg_resized(jpeg(slope(8, 8)), 65'500, 65'500)}) {
        most = held;
        const std::size_t before = held;
        expect_refusal(fault::input, "more than 178956970 in all", [&] { room(file, out); });
        CHECK(most - before < 100'000);
    }
}
