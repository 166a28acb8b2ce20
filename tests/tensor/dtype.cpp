// SPDX-License-Identifier: MIT
// Element types: sizes, safetensors' names, and the way back; the element-wise functions.
#include "support/catch.hpp"

#include <mpar/tensor/activation.hpp>
#include <mpar/tensor/dtype.hpp>

#include <cmath>
#include <concepts>
#include <limits>
#include <set>
#include <string>

using namespace mpar;

namespace {

struct known {
    dtype type;
    const char* name;
    int size;
};
constexpr known all[] = {
    {dtype::boolean, "BOOL", 1}, {dtype::u8, "U8", 1},     {dtype::i8, "I8", 1},
    {dtype::i16, "I16", 2},      {dtype::u16, "U16", 2},   {dtype::i32, "I32", 4},
    {dtype::u32, "U32", 4},      {dtype::i64, "I64", 8},   {dtype::u64, "U64", 8},
    {dtype::f16, "F16", 2},      {dtype::bf16, "BF16", 2}, {dtype::f32, "F32", 4},
    {dtype::f64, "F64", 8}};

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T>
T apply(activation::kind k, T x, double slope = 0) {
    return activation{k, slope}(x);
}

}  // namespace

TEST_CASE("every type has its size and its name, and is found by it") {
    std::set<std::string_view> names;
    for (const auto& k : all) {
        CHECK(size_of(k.type) == k.size);
        CHECK(name_of(k.type) == k.name);
        CHECK(dtype_named(k.name) == k.type);
        names.insert(name_of(k.type));
    }
    CHECK(names.size() == 13);
    STATIC_REQUIRE(size_of(dtype::bf16) == 2);
    STATIC_REQUIRE(dtype_named("F64") == dtype::f64);
}

TEST_CASE("sums are kept in what holds them") {
    STATIC_REQUIRE(std::same_as<accumulator_of<float>, float>);
    STATIC_REQUIRE(std::same_as<accumulator_of<double>, double>);
    STATIC_REQUIRE(accumulator(dtype::f16) == dtype::f32);
    STATIC_REQUIRE(accumulator(dtype::bf16) == dtype::f32);
    for (const auto d : {dtype::f32, dtype::f64}) CHECK(accumulator(d) == d);
    STATIC_REQUIRE(dtype_of<accumulator_of<double>> == accumulator(dtype_of<double>));
}

TEST_CASE("no other name is a type") {
    for (const char* name : {"", "f32", "F32 ", " F32", "F8_E4M3", "F128", "?", "bool", "BF", "I"})
        CHECK_FALSE(dtype_named(name));
}

TEST_CASE("activations: values, limits, NaN stays NaN") {
    using k = activation::kind;
    for (const double x : {-infinity, -7.0, -1e-30, -0.0, 0.0, 1e-30, 3.0, 6.0, 7.0, infinity}) {
        CHECK(apply(k::none, x) == x);
        CHECK(apply(k::relu, x) == std::max(x, 0.0));
        CHECK(apply(k::relu6, x) == std::min(std::max(x, 0.0), 6.0));
        CHECK(apply(k::leaky_relu, x, 0.25) == (x < 0 ? 0.25 * x : x));
    }
    CHECK(apply(k::silu, 0.0) == 0);
    CHECK(apply(k::silu, 1.0) == Approx(0.7310585786300049));
    CHECK(apply(k::silu, -1.0) == Approx(-0.2689414213699951));
    CHECK(apply(k::silu, 100.0f) == 100.0f);
    CHECK(std::abs(apply(k::silu, -50.0f)) < 1e-19f);
    for (const auto kind : {k::none, k::relu, k::relu6, k::leaky_relu, k::silu}) {
        CHECK(std::isnan(apply(kind, std::nan(""), 0.1)));
        CHECK(std::isnan(apply(kind, std::nanf(""), 0.1)));
    }
}
