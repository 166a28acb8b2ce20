// SPDX-License-Identifier: MIT
// Where an element of a batch of images lies: plain, blocked, of a part.
#include "support/catch.hpp"

#include <mpar/tensor/view.hpp>

#include <numeric>
#include <set>
#include <vector>

using namespace mpar;

namespace {

template <class Visit>
void each_element(const shape& s, Visit visit) {
    for (int n = 0; n < s.n; ++n)
        for (int c = 0; c < s.c; ++c)
            for (int h = 0; h < s.h; ++h)
                for (int w = 0; w < s.w; ++w) visit(n, c, h, w);
}

}  // namespace

TEST_CASE("block 1 is NCHW") {
    const shape s{2, 5, 3, 4};
    std::vector<int> data(std::size_t(s.count()));
    std::iota(data.begin(), data.end(), 0);
    const auto v = dense_view(data.data(), s);
    int next = 0;
    each_element(s, [&](int n, int c, int h, int w) { CHECK(v(n, c, h, w) == next++); });
    CHECK(next == 120);
    CHECK(v.blocks() == 5);
}

TEST_CASE("blocked: [N][C/V][H][W][V], every element its own place within the storage") {
    for (const int block : {1, 2, 4, 8, 16}) {
        for (const int channels : {1, 3, 8, 17}) {
            const shape s{2, channels, 3, 5};
            const auto v = dense_view(static_cast<float*>(nullptr), s, block);
            std::set<long> places;
            each_element(s, [&](int n, int c, int h, int w) {
                const long at = v.offset(n, c, h, w);
                const long blocks = (channels + block - 1) / block;
                const long expected =
                    (((n * blocks + c / block) * s.h + h) * s.w + w) * block + c % block;
                CHECK(at == expected);
                places.insert(at);
            });
            CHECK(long(places.size()) == s.count());
            CHECK(*places.rbegin() < storage(s, block));
            CHECK(v.blocks() == (channels + block - 1) / block);
        }
    }
}

TEST_CASE("storage fills channels up to whole blocks, beyond 32 bits too") {
    STATIC_REQUIRE(storage({2, 3, 5, 7}) == 210);
    STATIC_REQUIRE(storage({2, 3, 5, 7}, 8) == 2 * 8 * 35);
    STATIC_REQUIRE(storage({2, 16, 5, 7}, 8) == 2 * 16 * 35);
    STATIC_REQUIRE(storage({2, 17, 5, 7}, 16) == 2 * 32 * 35);
    STATIC_REQUIRE(storage({0, 17, 5, 7}, 16) == 0);
    STATIC_REQUIRE(storage({1, 1, 100'000, 100'000}, 8) == 80'000'000'000);
}

TEST_CASE("a part has the elements of its box, under its own indices") {
    for (const int block : {1, 4}) {
        const shape s{3, 12, 6, 5};
        std::vector<int> data(std::size_t(storage(s, block)));
        std::iota(data.begin(), data.end(), 0);
        const auto v = dense_view(data.data(), s, block);
        for (const box& b : {box{{1, 3}, {4, 12}, {2, 5}, {1, 4}},
                             box{{0, 1}, {8, 11}, {0, 6}, {4, 5}}, whole(s)}) {
            const auto p = v.part(b);
            CHECK(p.extents == b.extents());
            CHECK(p.block == block);
            each_element(p.extents, [&](int n, int c, int h, int w) {
                CHECK(&p(n, c, h, w) == &v(b.n.lo + n, b.c.lo + c, b.h.lo + h, b.w.lo + w));
            });
            const auto inner = p.part({{0, 1}, {0, 2}, {1, 3}, {0, 1}});
            CHECK(&inner(0, 1, 1, 0) == &v(b.n.lo, b.c.lo + 1, b.h.lo + 2, b.w.lo));
        }
    }
}

TEST_CASE("empty views and empty parts") {
    int one = 0;
    CHECK(view<int>{}.empty());
    CHECK(dense_view(static_cast<int*>(nullptr), {1, 1, 1, 1}).empty());
    CHECK(dense_view(&one, {1, 0, 1, 1}).empty());
    CHECK_FALSE(dense_view(&one, {1, 1, 1, 1}).empty());
    const auto v = dense_view(&one, {1, 1, 1, 1});
    CHECK(v.part({{0, 1}, {0, 1}, {1, 1}, {0, 1}}).empty());
    CHECK(v.part({{0, 1}, {0, 1}, {5, 2}, {0, 1}}).extents == shape{1, 1, 0, 1});
}

TEST_CASE("a view becomes one of constants, never the other way") {
    STATIC_REQUIRE(std::is_convertible_v<view<float>, view<const float>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<view<const float>, view<float>>);
    float x = 3;
    view<float> v{&x, {1, 1, 1, 1}, 8, 1, 2, 3, 4};
    const view<const float> c = v;
    CHECK(c.data == &x);
    CHECK(c.extents == v.extents);
    CHECK((c.block == 8 && c.stride_n == 1 && c.stride_c == 2 && c.stride_h == 3));
    CHECK(c.stride_w == 4);
}
