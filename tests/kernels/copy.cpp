// SPDX-License-Identifier: MIT
// Moving elements among layouts and types, margins, the check for finite numbers.
#include "support/catch.hpp"

#include "kernels/tensors.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/kernels/reference/backend.hpp>

#include <cstdint>
#include <tuple>

using namespace mpar;
using namespace mpar_test;

namespace {

const std::vector<shape> shapes{{1, 1, 1, 1}, {2, 3, 5, 7},  {1, 16, 4, 4}, {2, 40, 3, 2},
                                {1, 33, 1, 1}, {3, 17, 2, 9}, {0, 3, 2, 2},  {1, 3, 2, 0}};

/// Bytes 0..255, which every type holds.
template <class T>
T byte(int n, int c, int h, int w) {
    return T((n * 131 + c * 37 + h * 11 + w * 3) % 256);
}

template <class B, class S, class D>
void expect_copies() {
    typename B::queue queue;
    for (const shape& s : shapes) {
        for (const int from : {1, 4, 8, 16}) {
            for (const int to : {1, 4, 8, 16}) {
                for (const spacing& free : {spacing{}, spacing{3, 0, 0}, spacing{1, 2, 5}}) {
                    INFO(s.c << "x" << s.h << "x" << s.w << " block " << from << " to " << to);
                    tensor<S> x(s, from, free);
                    tensor<D> y(s, to, {2, free.row, 0});
                    x.fill(byte<S>);
                    B::copy(queue, x.all(), y.all());
                    CHECK(difference(x.all(), y.all()) == 0);
                    CHECK(y.canaries_live());
                    CHECK((y.all().empty() || y.pad_lanes_are_zero()));
                }
            }
        }
    }
}

}  // namespace

TEMPLATE_TEST_CASE("copy moves any layout and type to any other", "[copy]", backend::cpu,
                   backend::reference) {
    expect_copies<TestType, float, float>();
    expect_copies<TestType, float, double>();
    expect_copies<TestType, double, float>();
    expect_copies<TestType, std::uint8_t, float>();
    expect_copies<TestType, std::uint8_t, double>();
    expect_copies<TestType, float, std::uint8_t>();
    expect_copies<TestType, double, std::uint8_t>();
    expect_copies<TestType, std::uint8_t, std::uint8_t>();
}

TEMPLATE_TEST_CASE("copy reads and writes NHWC and parts", "[copy]", backend::cpu,
                   backend::reference) {
    typename TestType::queue queue;
    const shape s{2, 3, 4, 5};
    std::vector<float> memory(std::size_t(s.count()));
    const view<float> nhwc{memory.data(), s, 1, 60, 1, 15, 3};
    tensor<float> x(s, 8), back(s, 8);
    x.fill(byte<float>);
    TestType::copy(queue, x.all(), nhwc);
    CHECK(memory[1] == byte<float>(0, 1, 0, 0));
    CHECK(memory[3] == byte<float>(0, 0, 0, 1));
    TestType::copy(queue, view<const float>(nhwc), back.all());
    CHECK(difference(x.all(), back.all()) == 0);
    CHECK(back.pad_lanes_are_zero());

    tensor<float> small({1, 3, 2, 2}, 4);  // channels 8..11 of 24, a block that goes on
    tensor<float> wide({1, 24, 4, 4}, 8);
    wide.fill(byte<float>);
    const view<float> part = wide.all().part({{0, 1}, {8, 11}, {1, 3}, {2, 4}});
    TestType::copy(queue, part, small.all());
    CHECK(small.all()(0, 2, 1, 1) == byte<float>(0, 10, 2, 3));
    CHECK(small.pad_lanes_are_zero());
    tensor<float> same({1, 3, 2, 2}, 8);
    TestType::copy(queue, part, same.all());
    CHECK(same.pad_lanes_are_zero());
}

TEMPLATE_TEST_CASE("copy_channels shifts channels by whole blocks or not", "[copy]", backend::cpu,
                   backend::reference) {
    typename TestType::queue queue;
    const auto old = [](int n, int c, int h, int w) { return -1 - byte<float>(n, c, h, w); };
    for (const int from : {1, 16, 24, 40}) {
        for (const int to : {1, 16, 21, 48}) {
            for (const int shift : {-60, -32, -16, -5, 0, 3, 8, 16, 39, 48}) {
                for (const int block : {1, 4, 8, 16}) {
                    INFO(from << " channels to " << to << ", shift " << shift << ", block "
                              << block);
                    tensor<float> x({2, from, 3, 5}, block, {1, 2, 3});
                    tensor<float> y({2, to, 3, 5}, block, {2, 0, 5}), expected(y.all().extents, 1);
                    x.fill(byte<float>);
                    y.fill(old);
                    expected.fill([&](int n, int c, int h, int w) {
                        const bool there = 0 <= c + shift && c + shift < from;
                        return there ? byte<float>(n, c + shift, h, w) : old(n, c, h, w);
                    });
                    TestType::copy_channels(queue, x.all(), shift, y.all());
                    CHECK(difference(y.all(), expected.all()) == 0);
                    CHECK(y.canaries_live());
                    CHECK(y.pad_lanes_are_zero());
                }
            }
        }
    }
}

TEMPLATE_TEST_CASE("copy_channels fills the last block up with zeros where it ends", "[copy]",
                   backend::cpu, backend::reference) {
    typename TestType::queue queue;
    for (const int shift : {0, 2, 8}) {  // y's lanes without a channel meet channels of x
        tensor<float> x({1, 24, 2, 3}, 8), y({1, 11, 2, 3}, 8);
        x.fill(byte<float>);
        TestType::copy_channels(queue, x.all(), shift, y.all());
        CHECK(y.all()(0, 10, 1, 2) == byte<float>(0, 10 + shift, 1, 2));
        CHECK(y.pad_lanes_are_zero());
    }
    tensor<float> none({0, 8, 2, 3}, 8), y({1, 8, 2, 3}, 8);
    y.fill(byte<float>);
    TestType::copy_channels(queue, none.all(), 0, y.all());
    CHECK(y.all()(0, 7, 1, 2) == byte<float>(0, 7, 1, 2));
}

TEST_CASE("a number becomes the nearest byte", "[copy]") {
    CHECK(convert<std::uint8_t>(-3.f) == 0);
    CHECK(convert<std::uint8_t>(1.4f) == 1);
    CHECK(convert<std::uint8_t>(1.5f) == 2);
    CHECK(convert<std::uint8_t>(254.6) == 255);
    CHECK(convert<std::uint8_t>(1e9) == 255);
    CHECK(convert<std::uint8_t>(std::numeric_limits<double>::quiet_NaN()) == 0);
    CHECK(convert<float>(std::uint8_t(200)) == 200.f);
}

TEMPLATE_TEST_CASE("flatten puts channels, rows, columns in one line", "[copy]", backend::cpu,
                   backend::reference) {
    typename TestType::queue queue;
    for (const shape& s : shapes) {
        for (const int block : {1, 4, 16}) {
            INFO(s.c << "x" << s.h << "x" << s.w << " block " << block);
            const spacing free{1, 2, 3};
            tensor<double> x(s, block, free), y({s.n, s.c * s.h * s.w, 1, 1}, block, free);
            x.fill(byte<double>);
            TestType::flatten(queue, x.all(), y.all());
            tensor<double> expected(y.all().extents, block);
            expected.fill([&](int n, int k, int, int) {
                return byte<double>(n, k / s.w / s.h, k / s.w % s.h, k % s.w);
            });
            CHECK(difference(y.all(), expected.all()) == 0);
            CHECK(y.canaries_live());
            CHECK((y.all().empty() || y.pad_lanes_are_zero()));
        }
    }
}

TEMPLATE_TEST_CASE("clear_margin leaves the interior as it is", "[copy]", backend::cpu,
                   backend::reference) {
    typename TestType::queue queue;
    for (const shape& s : shapes) {
        for (const int block : {1, 8}) {
            for (const box& interior :
                 {box{{0, s.n}, {0, s.c}, {1, s.h - 1}, {2, s.w - 1}}, whole(s),
                  box{{0, s.n}, {0, s.c}, {0, 1}, {0, s.w}}, box{}}) {
                tensor<float> x(s, block, {1, 2, 3});
                const auto one = [](int n, int c, int h, int w) {
                    return 1 + byte<float>(n, c, h, w);
                };
                x.fill(one);
                TestType::clear_margin(queue, x.all(), interior);
                tensor<float> expected(s, block);
                expected.fill([&](int n, int c, int h, int w) {
                    const bool inside = interior.h.lo <= h && h < interior.h.hi &&
                                        interior.w.lo <= w && w < interior.w.hi;
                    return inside ? one(n, c, h, w) : 0;
                });
                CHECK(difference(x.all(), expected.all()) == 0);
                CHECK(x.canaries_live());
            }
        }
    }
}

TEMPLATE_PRODUCT_TEST_CASE("finite sees every element and nothing else", "[copy]", std::tuple,
                           ((backend::cpu, float), (backend::cpu, double),
                            (backend::reference, float))) {
    using B = std::tuple_element_t<0, TestType>;
    using T = std::tuple_element_t<1, TestType>;
    typename B::queue queue;
    using limits = std::numeric_limits<T>;
    const shape s{2, 11, 3, 4};
    for (const T bad : {limits::quiet_NaN(), limits::infinity(), -limits::infinity()}) {
        tensor<T> x(s, 8, {1, 2, 3});
        x.fill(byte<T>);
        CHECK(B::finite(queue, x.all()));
        CHECK(B::finite(queue, view<const T>(x.all())));
        x.all().data[-1] = bad;          // before the first
        x.all()(1, 15, 2, 3) = bad;  // no channel
        CHECK(B::finite(queue, x.all()));
        x.all()(1, 10, 2, 3) = bad;
        CHECK_FALSE(B::finite(queue, x.all()));
    }
    CHECK(B::finite(queue, view<T>{}));
}
