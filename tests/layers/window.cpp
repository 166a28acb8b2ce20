// SPDX-License-Identifier: MIT
// Windows as types: padding, oblong, dilation; `same` against TensorFlow's formula.
#include "support/catch.hpp"

#include <mpar/operators/operation.hpp>
#include <mpar/layers/pool.hpp>
#include <mpar/layers/window.hpp>

using namespace mpar;

namespace {

template <class W>
constexpr bool is(taps h, taps w, bool same_padding = false) {
    return W::value == sliding{h, w} && W::same_padding == same_padding;
}

max_pool_op with_same(int kernel, int stride, int dilation) {
    max_pool_op o;
    o.window = {{kernel, stride, dilation}, {kernel, stride, dilation}};
    o.same_padding = true;
    return o;
}

}  // namespace

TEST_CASE("square windows: taps, strides, centred padding") {
    STATIC_REQUIRE(is<window<1>>({1}, {1}));
    STATIC_REQUIRE(is<window<3>>({3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}));
    STATIC_REQUIRE(is<window<7, 2>>({7, 2, 1, 3, 3}, {7, 2, 1, 3, 3}));
    STATIC_REQUIRE(is<window<2, 2>>({2, 2, 1, 0, 0}, {2, 2, 1, 0, 0}));
    STATIC_REQUIRE(is<window<4>>({4, 1, 1, 1, 1}, {4, 1, 1, 1, 1}));
}

TEST_CASE("padding and dilation") {
    STATIC_REQUIRE(is<window<3, 2, pad<0>>>({3, 2, 1, 0, 0}, {3, 2, 1, 0, 0}));
    STATIC_REQUIRE(is<window<3, 1, pad<2>>>({3, 1, 1, 2, 2}, {3, 1, 1, 2, 2}));
    STATIC_REQUIRE(is<window<3, 2, pad<0, 1>>>({3, 2, 1, 0, 1}, {3, 2, 1, 0, 1}));
    STATIC_REQUIRE(is<window<3, 1, pad<1, 2, 3, 4>>>({3, 1, 1, 1, 2}, {3, 1, 1, 3, 4}));
    STATIC_REQUIRE(is<window<3, 1, centred, dilation<2>>>({3, 1, 2, 2, 2}, {3, 1, 2, 2, 2}));
    STATIC_REQUIRE(is<window<5, 1, centred, dilation<3, 2>>>({5, 1, 3, 6, 6}, {5, 1, 2, 4, 4}));
    STATIC_REQUIRE(is<window<3, 2, same>>({3, 2}, {3, 2}, true));
}

TEST_CASE("oblong windows") {
    STATIC_REQUIRE(is<oblong<kernel<3, 5>>>({3, 1, 1, 1, 1}, {5, 1, 1, 2, 2}));
    STATIC_REQUIRE(is<oblong<kernel<1, 7>, stride<2, 3>>>({1, 2}, {7, 3, 1, 3, 3}));
    STATIC_REQUIRE(is<oblong<kernel<3, 1>, stride<1, 1>, pad<0, 0, 1, 1>, dilation<2, 1>>>(
        {3, 1, 2, 0, 0}, {1, 1, 1, 1, 1}));
    STATIC_REQUIRE(oblong<kernel<3, 3>, stride<2, 2>>::value == window<3, 2>::value);
}

TEST_CASE("what is a window type") {
    STATIC_REQUIRE(window_type<window<3>>);
    STATIC_REQUIRE(window_type<oblong<kernel<3, 5>>>);
    STATIC_REQUIRE_FALSE(window_type<kernel<3, 5>>);
    STATIC_REQUIRE_FALSE(window_type<int>);
}

TEST_CASE("a stride of 1, centred and odd, keeps the extents") {
    for (int extent = 1; extent <= 30; ++extent) {
        CHECK(window<1>::value.h.outputs(extent) == extent);
        CHECK(window<3>::value.h.outputs(extent) == extent);
        CHECK(window<7>::value.w.outputs(extent) == extent);
        CHECK(window<3, 1, centred, dilation<3>>::value.h.outputs(extent) == extent);
    }
}

TEST_CASE("same: TensorFlow's formula, in rows and in columns") {
    int windows = 0;
    for (int kernel = 1; kernel <= 7; ++kernel) {
        for (int stride = 1; stride <= 4; ++stride) {
            for (int dilation = 1; dilation <= 3; ++dilation) {
                for (int h = 1; h <= 20; ++h) {
                    const int w = 21 - h;
                    const operation o = resolve(with_same(kernel, stride, dilation), {1, 3, h, w});
                    const auto right = [&](const taps& t, int input) {
                        // out = ceil(in / stride); total = max(0, (out-1)*stride + span - in)
                        const int out = (input + stride - 1) / stride;
                        const int span = (kernel - 1) * dilation + 1;
                        const int total = std::max(0, (out - 1) * stride + span - input);
                        return t.before == total / 2 && t.after == total - total / 2 &&
                               t.outputs(input) == out;
                    };
                    ++windows;
                    const sliding window = index_map_of(o).window;
                    if (!right(window.h, h) || !right(window.w, w))
                        FAIL_CHECK("kernel " << kernel << ", stride " << stride << ", dilation "
                                             << dilation << ", " << h << " x " << w);
                }
            }
        }
    }
    CHECK(windows == 7 * 4 * 3 * 20);
    // EfficientNet-Lite's stem: 224 -> 112 with nothing before and one row after
    const auto stem = index_map_of(resolve(with_same(3, 2, 1), {1, 3, 224, 224}));
    CHECK(stem.window.h == taps{3, 2, 1, 0, 1});
}

TEST_CASE("without same the padding stays as it was") {
    max_pool_op o = with_same(3, 2, 1);
    o.same_padding = false;
    o.window.h.before = 5;
    CHECK(index_map_of(resolve(o, {1, 3, 9, 9})).window == o.window);
}

TEST_CASE("layers carry their window and policy") {
    constexpr operation pool = max_pool<window<3, 2>, shard::rows>::describe();
    STATIC_REQUIRE(pool.kind() == op::max_pool);
    STATIC_REQUIRE(index_map_of(pool).window == window<3, 2>::value);
    STATIC_REQUIRE(pool.asks == policy::rows);
    STATIC_REQUIRE(max_pool<window<2, 2>>::describe().asks == policy::follow);
    // 7 rows at stride 2: 4 outputs read 9 rows, one of padding on either side
    constexpr operation even = resolve(avg_pool<window<3, 2, same>>::describe(), {1, 3, 7, 7});
    STATIC_REQUIRE(index_map_of(even).window.h == taps{3, 2, 1, 1, 1});
}
