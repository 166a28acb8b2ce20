// SPDX-License-Identifier: MIT
// Tests of io/image.hpp: formats told apart by content, and paths that lead to no picture.
#include <mpar/io/image.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

TEST_CASE("the content decides the format of a picture") {
    const folder folder;
    const auto image = slope(30, 20);
    CHECK(distance(io::read_image(folder.write("a.jpg", png(image))), image) == 0);
    CHECK(distance(io::read_image(folder.write("a.png", jpeg(image))), image) <= 12);
}

TEST_CASE("every format is known by its first bytes") {
    const io::refusal refuse(fault::input, "a.jpg");
    const bool webp = MPAR_HAVE_WEBP, tiff = MPAR_HAVE_TIFF;
    for (const auto& [words, bytes] : std::vector<std::pair<const char*, std::string>>{
             {"the data ends at byte 2", "BM"},
             {webp ? "is a bad WebP" : "without libwebp", "RIFF1234WEBP"},
             {tiff ? "is a bad TIFF" : "without libtiff", std::string("II*\0", 4)},
             {tiff ? "is a bad TIFF" : "without libtiff", std::string("MM\0*", 4)},
             {tiff ? "is a bad TIFF" : "without libtiff", std::string("II+\0", 4)},
             {tiff ? "is a bad TIFF" : "without libtiff", std::string("MM\0+", 4)},
             {"is neither a JPEG", "RIFF1234WAVE"},
             {"is neither a JPEG", "RIFF"},
             {"is neither a JPEG", "II*"},
         }) {
        expect_refusal(fault::input, words,
                       [&, &b = bytes] { whole(io::decode_image, b, refuse); });
    }
}

TEST_CASE("what is no picture is refused") {
    const folder folder;
    for (const auto& [words, bytes] : std::vector<std::pair<const char*, std::string>>{
             {"a: is empty", ""},
             {"a: is neither a JPEG nor a PNG image, nor BMP, WebP or TIFF", "x"},
             {"a: is neither a JPEG nor a PNG image, nor BMP, WebP or TIFF", "GIF89a\1\0\1"},
             {"a: is neither a JPEG nor a PNG image, nor BMP, WebP or TIFF", "\xff\xd8"},
             {"a: is neither a JPEG nor a PNG image, nor BMP, WebP or TIFF", "\x89PNG\n\x1a\n"},
             {"a: is a bad JPEG: ", "\xff\xd8\xff"},
             {"a: is a bad JPEG: ", "\xff\xd8\xff\xe0" + std::string(1000, '\0')},
             {"a: is a bad PNG: ", "\x89PNG\r\n\x1a\n"},
             {"a: is a bad PNG: ", "\x89PNG\r\n\x1a\n" + std::string(1000, '\0')},
         }) {
        expect_refusal(fault::input, words,
                       [&, &bytes = bytes] { io::read_image(folder.write("a", bytes)); });
    }
    expect_refusal(fault::input, "none.jpg: cannot be opened: No such file",
                   [&] { io::read_image(folder.path("none.jpg")); });
    expect_refusal(fault::input, "is a directory", [&] { io::read_image(folder.path("")); });
    expect_refusal(fault::input, "is not a regular file", [] { io::read_image("/dev/zero"); });
}

TEST_CASE("a file of more than 1 GiB is not read") {
    const folder folder;
    const auto path = folder.write("a.png", png_header(10, 10));
    std::filesystem::resize_file(path, io::max_image_file_bytes + 1);  // a hole: takes no disk
    expect_refusal(fault::input, "has 1073741825 bytes, more than 1073741824",
                   [&] { io::read_image(path); });
}
