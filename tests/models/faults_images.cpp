// SPDX-License-Identifier: MIT
// Bad images read by all ranks under agree(): every rank throws the same sentence.
// isa: native
// ranks: 1 2 3
#include "models/faults.hpp"

#include "io/pictures.hpp"

#include <mpar/io/image.hpp>

using namespace mpar;
using namespace faults;

namespace {

/// All ranks read their path, and agree.
void read_together(communicator& comm, const std::string& mine) {
    int width = 0;
    agree(comm, [&] { width = io::read_image(mine).width; });
    CHECK(width == 40);
}

void refused(communicator& comm, const std::string& name, const std::string& words,
             const std::string& path) {
    refused_by_all(name, fault::input, words, [&] { read_together(comm, path); });
}

struct bad_image {
    std::string name, words, bytes;
};

std::vector<bad_image> bad_images() {
    const auto picture = io_test::slope(40, 30);
    const std::string png = io_test::png(picture), jpeg = io_test::jpeg(picture);
    std::string broken = png;
    broken[broken.size() / 2] = char(broken[broken.size() / 2] ^ 1);
    return {
        {"empty", "is empty", ""},
        {"text", "is neither a JPEG nor a PNG image", "this is no picture\n"},
        {"zeros", "is neither a JPEG nor a PNG image", std::string(1000, '\0')},
        {"GIF", "is neither a JPEG nor a PNG image", "GIF89a" + std::string(100, '\1')},
        {"PNG's first bytes", "is a bad PNG", "\x89PNG\r\n\x1a\n"},
        {"PNG cut off", "is a bad PNG", png.substr(0, png.size() / 2)},
        {"PNG without its last pixel", "is a bad PNG", png.substr(0, png.size() - 25)},
        {"PNG with a wrong byte", "is a bad PNG", broken},
        {"PNG of 10^10 pixels", "is 100000 x 100000 pixels, more than 178956970 in all",
         io_test::png_header(100'000, 100'000) + std::string(100, '\0')},
        {"PNG of no pixel", "", io_test::png_header(0, 5) + std::string(100, '\0')},
        {"PNG of 2^32 - 1", "", io_test::png_header(~0u, ~0u) + std::string(100, '\0')},
        {"JPEG's first bytes", "is a bad JPEG", "\xff\xd8\xff\xe0"},
        {"JPEG cut off", "is a bad JPEG", jpeg.substr(0, jpeg.size() / 2)},
        {"JPEG without its end", "is a bad JPEG", jpeg.substr(0, jpeg.size() - 30)},
        {"JPEG of 65,500 x 65,500", "is 65500 x 65500 pixels",
         io_test::jpeg_resized(jpeg, 65'500, 65'500)},
        {"JPEG of 16,000 x 16,000", "is 16000 x 16000 pixels",
         io_test::jpeg_resized(jpeg, 16'000, 16'000)},
        {"JPEG of no pixel", "", io_test::jpeg_resized(jpeg, 0, 30)},
        {"BMP of a bad header", "is a bad BMP: its header has 16843009 bytes",
         "BM" + std::string(38, '\1')},
        {"WebP's first bytes", "WebP", "RIFF1234WEBP"},
        {"TIFF's first bytes", "TIFF", std::string("II*\0", 4)},
    };
}

}  // namespace

TEST_CASE("images that are bad everywhere") {
    const job_folder folder;
    communicator comm(MPI_COMM_WORLD, seconds(20));
    refused(comm, "missing", "cannot be opened: No such file", folder.path("none.png"));
    refused(comm, "no path", "cannot be opened", "");
    refused(comm, "a folder", "is a directory", folder.make_folder("folder.png"));
    refused(comm, "a device", "is not a regular file", "/dev/zero");
    for (const auto& bad : bad_images())
        refused(comm, bad.name, bad.words, folder.write("image", bad.bytes));
    CHECK_NOTHROW(read_together(comm, folder.write("good", io_test::png(io_test::slope(40, 30)))));
}

TEST_CASE("images that are bad on one rank only") {
    const job_folder folder;
    communicator comm(MPI_COMM_WORLD, seconds(20));
    const auto good = folder.write("good", io_test::jpeg(io_test::slope(40, 30)));
    for (int who = 0; who < ranks_of(); ++who) {
        refused(comm, "missing", alone(who), rank_of() == who ? folder.path("none") : good);
        for (const auto& bad : bad_images()) {
            const auto path = folder.write("image", bad.bytes);
            refused(comm, bad.name, alone(who), rank_of() == who ? path : good);
        }
        CHECK_NOTHROW(read_together(comm, good));
    }
}
