// SPDX-License-Identifier: MIT
// conv2d by Winograd's tiles, those of one output too: against the reference in double; the same bits however it is
// cut.
#include "kernels/transformed.hpp"

using namespace mpar;
using namespace mpar_test;
using namespace mpar_test::transformed;

TEST_CASE("Winograd's tiles agree with the reference", "[winograd]") {
    for (const form& f : forms) {
        for (const problem& p : layers()) {
            INFO(f.text() << p.text());
            const auto y = run(p, whole(p.y), {.how = f, .free = {3, 5, 7}});
            CHECK(difference(y.all(), expected(p, f).all()) <= tolerance(p, f));
        }
    }
}

TEST_CASE("Winograd's tiles of any size of image", "[winograd]") {
    for (const form& f : forms) {
        for (int size = 1; size <= 40; size += mpar_test::stride()) {
            const problem p{5, {1, 17, size, 41 - size}, relu};
            INFO(f.text() << p.text());
            const auto y = run(p, whole(p.y), {.how = f});
            CHECK(difference(y.all(), expected(p, f).all()) <= tolerance(p, f));
        }
    }
}

TEST_CASE("errors of 512 channels stay near those of the direct sum", "[winograd]") {
    const problem p{512, {1, 64, 14, 14}};
    for (const form& f : forms) {
        INFO(f.text());
        const auto exact = expected(p, f);
        const double direct =
            difference(run(p, whole(p.y), {.how = f.direct()}).all(), exact.all());
        const double error = difference(run(p, whole(p.y), {.how = f}).all(), exact.all());
        CHECK(error <= (f.tile == 1 ? 2 : f.tile == 2 ? 1.5 : 4) * direct);
    }
}

TEST_CASE("a part of Winograd's tiles has the bits of the whole", "[winograd]") {
    crew four;
    four.hire(4);
    for (const form& f : forms) {
        for (const problem& p : layers()) {
            INFO(f.text() << p.text());
            const box b = whole(p.y);
            const auto all = run(p, b, {.how = f});
            const auto expect_bits = [&](const box& part) {
                INFO("c " << part.c.lo << "," << part.c.hi << " h " << part.h.lo << "," << part.h.hi
                          << " w " << part.w.lo << "," << part.w.hi << " n " << part.n.lo);
                const auto y = run(p, part, {.how = f, .free = {5, 3, 11}});
                CHECK(difference(y.all(), all.all().part(part)) == 0);
            };
            const int step = p.y.count() * p.in > 100'000 ? 5 : 1;
            for (int cut = 0; cut <= p.y.h; cut += step) {
                expect_bits({b.n, b.c, {0, cut}, b.w});
                expect_bits({b.n, b.c, {cut, p.y.h}, b.w});
            }
            expect_bits({b.n, b.c, {p.y.h / 3, 2 * p.y.h / 3}, {p.y.w / 2, p.y.w}});
            expect_bits({b.n, b.c, b.h, {p.y.w / 3, 2 * p.y.w / 3}});
            expect_bits({{p.y.n - 1, p.y.n}, b.c, b.h, b.w});
            for (int c = V; c < p.y.c; c += V) {
                expect_bits({b.n, {0, c}, b.h, b.w});
                expect_bits({b.n, {c, p.y.c}, {p.y.h / 2, p.y.h}, b.w});
            }
            const auto by_many = run<B, float>(four, p, b, {.how = f});
            CHECK(difference(by_many.all(), all.all()) == 0);
        }
    }
}

TEST_CASE("many batches and units of Winograd's tiles have the bits of few", "[winograd]") {
    crew four;
    four.hire(4);
    for (const form& f : forms) {
        for (const problem& p :
             {problem{70, {4, 40, 61, 59}, relu, true}, problem{40, {1, 300, 9, 11}, relu}}) {
            INFO(f.text() << p.text());
            const auto all = run(p, whole(p.y), {.how = f});
            const auto by_many = run<B, float>(four, p, whole(p.y), {.how = f});
            CHECK(difference(by_many.all(), all.all()) == 0);
            box part = whole(p.y);
            part.h.lo = 5;
            part.w.lo = 7;
            const auto y = run<B, float>(four, p, part, {.how = f});
            CHECK(difference(y.all(), all.all().part(part)) == 0);
        }
    }
}

TEST_CASE("Winograd's tiles over some inputs give partial sums", "[winograd]") {
    for (const form& f : forms) {
        const problem p{75, {1, 30, 6, 7}};
        const auto over = [&](range in) { return run(p, whole(p.y), {.how = f, .in = in}); };
        const auto all = over({0, 75}), a = over({0, 2 * V}), b = over({2 * V, 75});
        const auto none = over({0, 0});
        tensor<float> sum(p.y, 1);
        sum.fill([&](int n, int c, int h, int w) {
            return a.all()(n, c, h, w) + b.all()(n, c, h, w) - none.all()(n, c, h, w);
        });
        CHECK(difference(sum.all(), all.all()) <= 3 * tolerance(p, f));
        CHECK(none.all()(0, 29, 5, 6) == value<float>(3, 29, 0, 0, 0));
    }
}

TEST_CASE("the residual of Winograd's tiles may be y itself", "[winograd]") {
    for (const form& f : forms) {
        for (problem p : layers()) {
            p.residual = true;
            INFO(f.text() << p.text());
            const auto apart = run(p, whole(p.y), {.how = f});
            const auto in_place = run(p, whole(p.y), {.how = f, .in_place = true});
            CHECK(difference(in_place.all(), apart.all()) == 0);
        }
    }
}

TEST_CASE("NaN passes through Winograd's tiles, but to no lane without a channel", "[winograd]") {
    for (const form& f : forms) {
        const problem p{40, {1, 33, 9, 8}, relu};
        const auto y = run(p, whole(p.y), {.how = f, .x = [](int, int c, int h, int w) {
                                               return c == 9 && h == 0 && w == 0
                                                          ? std::numeric_limits<float>::quiet_NaN()
                                                          : value<float>(1, 0, c, h, w);
                                           }});
        CHECK(std::isnan(y.all()(0, 32, 0, 0)));
        CHECK(!std::isnan(y.all()(0, 0, 8, 7)));
    }
}

TEST_CASE("Winograd's tiles of nothing do nothing", "[winograd]") {
    for (const shape& y : {shape{0, 20, 3, 3}, shape{1, 20, 0, 3}, shape{1, 20, 3, 0}}) {
        const problem p{4, y, relu};
        CHECK(run(p, whole(y), {.how = {4}}).all().extents == y);
    }
}

TEST_CASE("layers get the tiles that are worth it", "[winograd]") {
    const auto tile = [](int channels, int size, int batch = 1, sliding window = windows(1)) {
        const convolution c{window, channels, channels, 1, {0, channels}, {0, channels}, {}};
        return B::winograd_tile<float>(c, {batch, channels, size, size});
    };
    CHECK(tile(64, 56) == 4);
    CHECK(tile(128, 28) == 4);
    CHECK(tile(256, 14) == 4);
    CHECK(tile(512, 7) == 2);
    CHECK(tile(512, 7, 4) == 4);
    CHECK(tile(512, 1) == 0);
    CHECK(tile(3, 224) == 0);
    CHECK(tile(128, 28, 1, windows(2)) == 4);
    CHECK(tile(256, 14, 1, windows(2)) == 2);
    CHECK(tile(512, 7, 1, windows(2)) == 0);
    CHECK(tile(64, 56, 1, windows(3)) == 0);
    CHECK(tile(64, 56, 1, {{3, 1, 2, 1, 1}, {3, 1, 2, 1, 1}}) == 0);
    CHECK(tile(64, 56, 1, {{3, 1, 1, 1, 1}, {3, 2, 1, 1, 1}}) == 0);
    CHECK(tile(64, 56, 1, {{1, 1, 1}, {3, 1, 1}}) == 0);
    constexpr int pairs = MPAR_ADD_PIPES;  // of cores that add beside their products
    constexpr sliding one{{1, 1, 1}, {1, 1, 1}};
    CHECK(tile(64, 56, 1, one) == pairs);
    CHECK(tile(2048, 7, 1, {{1, 2, 1}, {1, 2, 1}}) == pairs);
    CHECK(tile(32, 56, 1, one) == 0);
    CHECK(tile(512, 1, 1, one) == 0);
    CHECK(tile(64, 56, 1, {{1, 1, 1, 1}, {1, 1, 1}}) == 0);
    const convolution groups{windows(1), 64, 64, 2, {0, 64}, {0, 64}, {}};
    CHECK(B::winograd_tile<float>(groups, {1, 64, 56, 56}) == 0);
    const convolution plain{windows(1), 64, 64, 1, {0, 64}, {0, 64}, {}};
    CHECK(B::winograd_tile<double>(plain, {1, 64, 56, 56}) == 0);
    const convolution pointwise{one, 64, 64, 1, {0, 64}, {0, 64}, {}};
    CHECK(B::winograd_tile<double>(pointwise, {1, 64, 56, 56}) == 0);
}
