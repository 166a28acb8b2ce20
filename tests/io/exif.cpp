// SPDX-License-Identifier: MIT
// Tests of io/picture/exif.hpp: the orientation in either byte order, and blocks that say nothing.
#include <mpar/io/picture/exif.hpp>

#include "io/pictures.hpp"

using namespace mpar;
using namespace io_test;

namespace {

int orientation_in(const std::string& block) {
    return io::exif_orientation(std::as_bytes(std::span(block)));
}

}  // namespace

TEST_CASE("all orientations in either byte order") {
    for (const bool little : {false, true}) {
        for (int orientation = 1; orientation <= 8; ++orientation) {
            CHECK(orientation_in(exif(orientation, little)) == orientation);
        }
        for (const int none : {0, 9, 255, 256, 65535})
            CHECK(orientation_in(exif(none, little)) == 1);
    }
}

TEST_CASE("a long number is an orientation too") {
    auto block = exif(6, true);
    block[8 + 2 + 12 + 2] = 4;
    CHECK(orientation_in(block) == 6);
    block[8 + 2 + 12 + 2] = 2;  // text
    CHECK(orientation_in(block) == 1);
}

TEST_CASE("a damaged block says upright") {
    const auto good = exif(6, true);
    for (std::size_t length = 0; length < 8 + 2 + 2 * 12 - 2; ++length) {
        CHECK(orientation_in(good.substr(0, length)) == 1);
    }
    for (const std::size_t at : {0, 1, 2, 3, 4}) {  // byte order, 42, the directory's place
        auto bad = good;
        bad[at] = 'x';
        CHECK(orientation_in(bad) == 1);
    }
    auto far = good;
    far.replace(4, 4, le(0xffffffffu));
    CHECK(orientation_in(far) == 1);
    auto many = good.substr(0, 8) + le(std::uint16_t{0xffff}) + std::string(1000, '\0');
    CHECK(orientation_in(many) == 1);
    const int refused = survive(good, 5000, 21, [](const std::string& damaged) {
        const int orientation = orientation_in(damaged);
        if (orientation < 1 || orientation > 8) FAIL_CHECK("orientation " << orientation);
    });
    CHECK(refused == 0);
}
