// SPDX-License-Identifier: MIT
// Tests of io/weights/stored_tensor.hpp: values out of bytes, rows of them, and which names may be.
#include <mpar/io/weights/stored_tensor.hpp>

#include "io/files.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mpar;
using io_test::expect_refusal;

namespace {

/// A tensor at an odd address, as files have them.
template <class Stored>
struct held {
    held(dtype type, std::vector<std::int64_t> shape, const std::vector<Stored>& values)
        : memory(1 + values.size() * sizeof(Stored)) {
        const auto bytes = std::as_bytes(std::span(values));
        std::ranges::copy(bytes, memory.begin() + 1);
        tensor = {"w", type, std::move(shape), std::span(memory).subspan(1)};
    }
    std::vector<std::byte> memory;
    io::stored_tensor tensor;
};

}  // namespace

TEST_CASE("values are read as float or double whatever the file has") {
    const held<float> f32(dtype::f32, {3}, {1.5f, -0.1f, 3e38f});
    CHECK(io::values_of<float>(f32.tensor) == std::vector<float>{1.5f, -0.1f, 3e38f});
    CHECK(io::values_of<double>(f32.tensor) == std::vector<double>{1.5, -0.1f, 3e38f});

    const held<double> f64(dtype::f64, {2}, {0.1, -1e-300});
    CHECK(io::values_of<double>(f64.tensor) == std::vector<double>{0.1, -1e-300});
    CHECK(io::values_of<float>(f64.tensor) == std::vector<float>{0.1f, -0.0f});

    const held<std::uint16_t> bf16(dtype::bf16, {3}, {0x3f80, 0xc048, 0x7f80});
    CHECK(io::values_of<float>(bf16.tensor) ==
          std::vector<float>{1.0f, -3.125f, std::numeric_limits<float>::infinity()});
}

TEST_CASE("every half is exact") {
    int wrong = 0;
    for (int bits = 0; bits < 0x10000; ++bits) {
        const int exponent = bits >> 10 & 31, fraction = bits & 1023;
        const double sign = bits >> 15 ? -1 : 1;
        const float value = io::float_of_f16(static_cast<std::uint16_t>(bits));
        if (exponent == 31) {
            wrong += fraction ? !std::isnan(value) : !(std::isinf(value) && value * sign > 0);
        } else {
            const double expected = exponent == 0 ? std::ldexp(fraction, -24)
                                                  : std::ldexp(1024 + fraction, exponent - 25);
            wrong += value != sign * expected || std::signbit(value) != (bits >> 15 == 1);
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("a rank reads the rows that it needs") {
    const held<float> held(dtype::f32, {3, 2}, {0, 1, 10, 11, 20, 21});
    std::vector<double> out(5, -1);
    io::read_rows(held.tensor, 1, 3, out.data());
    CHECK(out == std::vector<double>{10, 11, 20, 21, -1});
    io::read_rows(held.tensor, 3, 3, out.data() + 4);
    CHECK(out[4] == -1);
    for (const auto& [begin, end] : {std::pair{-1, 1}, {2, 1}, {0, 4}, {4, 4}}) {
        expect_refusal(
            fault::internal, "of tensor 'w', which has 3",
            [&, begin = begin, end = end] { io::read_rows(held.tensor, begin, end, out.data()); });
    }
}

TEST_CASE("a scalar has one row, an empty tensor none") {
    const held<float> scalar(dtype::f32, {}, {7});
    CHECK(scalar.tensor.rows() == 1);
    CHECK(scalar.tensor.count() == 1);
    CHECK(io::values_of<float>(scalar.tensor) == std::vector<float>{7});
    const held<float> empty(dtype::f32, {0, 4}, {});
    CHECK(empty.tensor.count() == 0);
    CHECK(io::values_of<float>(empty.tensor).empty());
    const held<float> rows_of_nothing(dtype::f32, {4, 0}, {});
    CHECK(io::values_of<float>(rows_of_nothing.tensor).empty());
}

TEST_CASE("integers are no weights") {
    const held<std::int64_t> held(dtype::i64, {1}, {5});
    expect_refusal(fault::model, "tensor 'w' is I64, expected F32",
                   [&] { io::values_of<float>(held.tensor); });
}

TEST_CASE("sizes do not overflow") {
    using extents = std::vector<std::int64_t>;
    CHECK(io::bytes_of(dtype::f32, extents{2, 3}) == 24u);
    CHECK(io::bytes_of(dtype::f64, extents{}) == 8u);
    CHECK(io::bytes_of(dtype::f64, extents{0, 7}) == 0u);
    CHECK(!io::bytes_of(dtype::f32, extents{-1}));
    CHECK(!io::bytes_of(dtype::f32, extents{std::int64_t(1) << 62}));
    CHECK(!io::bytes_of(dtype::u8, extents{std::int64_t(1) << 32, std::int64_t(1) << 32}));
    CHECK(io::bytes_of(dtype::u8, extents{std::int64_t(1) << 62, 2}) == std::uint64_t(1) << 63);
    CHECK(io::spelled(extents{64, 3, 7}) == "[64, 3, 7]");
    CHECK(io::spelled(extents{}) == "[]");
}

TEST_CASE("UTF-8 and nothing else") {
    for (const char* good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                             "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"}) {
        CHECK(io::is_utf8(good));
    }
    for (const char* bad : {"\x80", "\xbf", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf",
                            "\xe2\x82", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80", "\xff", "a\xc3(", "\xe2\x28\xa1"}) {
        CHECK(!io::is_utf8(bad));
    }
}

TEST_CASE("which names a tensor may have") {
    for (const std::string good : {"conv1.weight", "gradnorm/fc.bias", "", "a..b", "\xc3\xa9"}) {
        CHECK(!io::fault_of_name(good));
    }
    CHECK(!io::fault_of_name(std::string(512, 'n')));
    CHECK(io::fault_of_name(std::string(513, 'n')) == "has a name of 513 bytes, more than 512");
    CHECK(io::fault_of_name("a/../b") == "has a name that steps to a parent folder");
    CHECK(io::fault_of_name("../b") == "has a name that steps to a parent folder");
    for (const std::string bad : {"a\nb", "\x1b[2J", "\x7f", "\xc2\x85"}) {
        CHECK(io::fault_of_name(bad) == "has a control character in its name");
    }
    CHECK(io::fault_of_name(std::string("a\0b", 3)) == "has a control character in its name");
    CHECK(io::fault_of_name("\xff") == "has a name that is not UTF-8");
}
