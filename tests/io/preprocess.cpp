// SPDX-License-Identifier: MIT
// Tests of io/preprocess.hpp against PIL's pictures and, where they are, the real photographs.
#include <mpar/io/preprocess.hpp>

#include <mpar/io/image.hpp>
#include <mpar/io/safetensors.hpp>
#include <mpar/io/seeded.hpp>

#include "io/pictures.hpp"

#include <cmath>

using namespace mpar;
using namespace io_test;

TEST_CASE("resize and crop give PIL's bytes for any shape of picture") {
    struct expected {
        int width, height;
        std::uint64_t hash;  ///< FNV-1a of what Pillow gives
    };
    for (const auto& [width, height, hash] :
         std::vector<expected>{{301, 201, 0x86c1fb8eb368c86d},  // margins of 79.5: to even
                               {200, 333, 0xc7e3c37a11403313},  // enlarged, 101 above
                               {97, 64, 0x62f3b21e6e43cea},
                               {640, 480, 0xc88c7ce2dbfe965a},  // 58.5: to even
                               {256, 256, 0x5dc1cf82163484f8},  // nothing to resize
                               {1000, 90, 0x878027cb3a4de1ec}}) {
        const auto image = noise(width, height, 7);
        const auto square = io::resize_and_crop(image, io::preprocessing::imagenet());
        REQUIRE(square.width == 224);
        REQUIRE(square.height == 224);
        const auto* bytes = reinterpret_cast<const char*>(square.pixels.data());
        CHECK(io::fnv1a({bytes, square.pixels.size()}) == hash);
    }
}

TEST_CASE("other sizes and the cubic give PIL's bytes too") {
    struct expected {
        int width, height, resize, crop;
        std::uint64_t hash;  ///< FNV-1a of what Pillow gives
    };
    for (const auto& [width, height, resize, crop, hash] :
         std::vector<expected>{{301, 201, 232, 224, 0x8dc6ee22e2737701},
                               {200, 333, 256, 224, 0xbdb32a785abf4d27},
                               {640, 480, 288, 256, 0x4620a1535b827e0b},
                               {97, 64, 256, 256, 0x43432440147c6414},
                               {1000, 90, 235, 224, 0x3a6e3b444245cd1e},
                               {40, 1, 50, 30, 0xbfbbbc7b47c38c21}}) {
        auto how = io::preprocessing::imagenet();
        how.resize = resize, how.crop = crop, how.by = io::interpolation::bicubic;
        const auto square = io::resize_and_crop(noise(width, height, 7), how);
        REQUIRE(square.width == crop);
        const auto* bytes = reinterpret_cast<const char*>(square.pixels.data());
        CHECK(io::fnv1a({bytes, square.pixels.size()}) == hash);
    }
}

TEST_CASE("a picture of one row does not become a large one") {
    io::rgb_image line{16384, 1, std::vector<std::uint8_t>(3 * 16384, 77)};
    const auto square = io::resize_and_crop(line, io::preprocessing::half());
    CHECK(square.pixels == std::vector<std::uint8_t>(3 * 224 * 224, 77));
    std::swap(line.width, line.height);
    CHECK(io::resize_and_crop(line, io::preprocessing::half()).pixels == square.pixels);
}

TEST_CASE("a picture is cropped while it is decoded, however it lies") {
    const auto how = io::preprocessing::imagenet();
    for (const auto& [width, height] : {std::pair{301, 201}, {64, 97}}) {
        const auto image = noise(width, height, 8);
        const std::string file = jpeg(image);
        for (int orientation = 1; orientation <= 8; ++orientation) {
            const std::string lying =
                jpeg_with(file, 0xe1, std::string("Exif\0\0", 6) + exif(orientation, true));
            for (const auto asked : {io::orientation::exif, io::orientation::ignore}) {
                const io::refusal refuse(fault::input, "picture.jpg");
                std::vector<float> whole_first(3 * 224 * 224), at_once(3 * 224 * 224);
                io::preprocess(whole(io::decode_image, lying, refuse, asked), how,
                               whole_first.data());
                io::preprocess(std::as_bytes(std::span(lying)), refuse, how, asked, at_once.data());
                CHECK(at_once == whole_first);
            }
        }
    }
}

TEST_CASE("a picture that is refused leaves no number") {
    const auto file = jpeg(slope(300, 300));
    std::vector<float> out(3 * 224 * 224, 7.0f);
    expect_refusal(fault::input, "a.jpg: is a bad JPEG", [&] {
        const auto half = file.substr(0, file.size() / 2);
        io::preprocess(std::as_bytes(std::span(half)), {fault::input, "a.jpg"},
                       io::preprocessing::half(), io::orientation::exif, out.data());
    });
    CHECK(out == std::vector<float>(3 * 224 * 224, 7.0f));
}

TEST_CASE("the longest line has a middle") {
    io::cropped_picture picture(io::preprocessing::imagenet());
    picture.begin(1, 1'000'000, 1);
    const std::vector<std::uint8_t> dot{1, 2, 3};
    for (int y = 0; y < 1'000'000; ++y) picture.row(dot.data());
    const auto square = picture.take();
    for (std::size_t i = 0; i < square.pixels.size(); ++i) {
        REQUIRE(int(square.pixels[i]) == int(dot[i % 3]));
    }
}

TEST_CASE("samples become planes of numbers") {
    const io::rgb_image image{2, 1, {0, 51, 255, 102, 153, 204}};
    std::vector<double> out(6);
    io::normalise(image, io::preprocessing::imagenet(), out.data());
    const std::vector<double> level{0, 0.4, 0.2, 0.6, 1, 0.8};
    const auto how = io::preprocessing::imagenet();
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(out[i] == Approx((level[i] - how.mean[i / 2]) / how.deviation[i / 2]));
    }
    std::vector<float> half(6);
    io::normalise(image, io::preprocessing::half(), half.data());
    CHECK(half == std::vector<float>{-1, -0.2f, -0.6f, 0.2f, 1, 0.6f});
}

TEST_CASE("one plane of brightness is PIL's mode L") {
    const io::rgb_image image{3, 2, {255, 0, 0, 0,  255, 0,   0,   0,   255,
                                     255, 255, 255, 10, 20, 30, 200, 100, 50}};
    const int levels[] = {76, 150, 29, 255, 18, 124};  // Pillow's convert("L")
    io::preprocessing how = io::preprocessing::imagenet();
    how.mean = {0.25, 0.5, 0.75};
    how.deviation = {0.5, 0.25, 0.75};
    float out[6] = {};
    io::normalise_grey(image, how, out);
    for (int i = 0; i < 6; ++i) CHECK(out[i] == float((levels[i] / 255.0 - 0.5) / 0.5));
}

TEST_CASE("presets have names") {
    REQUIRE(io::preprocessing_named("imagenet"));
    CHECK(io::preprocessing_named("imagenet")->mean[2] == 0.406);
    REQUIRE(io::preprocessing_named("half"));
    CHECK(io::preprocessing_named("half")->deviation[0] == 0.5);
    CHECK(!io::preprocessing_named("Half"));
}

TEST_CASE("a crop larger than the picture is refused") {
    auto how = io::preprocessing::half();
    how.crop = 257;
    expect_refusal(fault::usage, "crops 257 pixels out of a side of 256",
                   [&] { io::resize_and_crop(slope(300, 300), how); });
    how.crop = 0;
    expect_refusal(fault::usage, "crops 0 pixels",
                   [&] { io::resize_and_crop(slope(300, 300), how); });
}

TEST_CASE("the photographs are what PIL and torchvision make of them") {
    const auto oracle = io::read_safetensors(MPAR_TEST_DATA "/expected/preprocessed.safetensors");
    for (const auto& tensor : oracle.tensors()) {
        const auto path = real_file(tensor.name);
        if (!path) return;
        const auto image = io::read_image(*path);
        const auto square = io::resize_and_crop(image, io::preprocessing::imagenet());
        REQUIRE(square.pixels.size() == tensor.bytes.size());
        std::size_t equal = 0;
        int most = 0;
        for (std::size_t i = 0; i < square.pixels.size(); ++i) {
            const int off = std::abs(int(square.pixels[i]) - std::to_integer<int>(tensor.bytes[i]));
            equal += off == 0;
            most = std::max(most, off);
        }
        INFO(tensor.name);
        CHECK(most <= 1);  // another libjpeg may round otherwise
        CHECK(double(equal) >= 0.99 * double(square.pixels.size()));
        if (tensor.name.ends_with(".png")) CHECK(most == 0);

        std::vector<float> planes(3 * 224 * 224);
        io::preprocess(image, io::preprocessing::half(), planes.data());
        CHECK(planes[224 * 224 + 1] == Approx(square.pixels[4] / 127.5f - 1).margin(1e-6));
    }
}
