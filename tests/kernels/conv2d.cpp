// SPDX-License-Identifier: MIT
// conv2d and dense: reference against the formula, cpu against reference, parts against the whole.
#include "support/catch.hpp"
#include "support/effort.hpp"

#include "kernels/convolved.hpp"

#include <tuple>

using namespace mpar;
using namespace mpar_test;
using namespace mpar_test::convolved;

TEMPLATE_TEST_CASE("reference::conv2d is its formula", "[conv2d]", float, double) {
    for (const problem& p : layers()) {
        INFO(p.text());
        const auto y = run<backend::reference, TestType>(p);
        double largest = 0;
        for (int n = 0; n < p.y.n; ++n) {
            for (int o = 0; o < p.y.c; ++o) {
                for (int h = 0; h < p.y.h; ++h) {
                    for (int w = 0; w < p.y.w; ++w) {
                        const double e = p.act(formula<TestType>(p, n, o, h, w));
                        largest = std::max(largest, std::abs(e - y.all()(n, o, h, w)));
                    }
                }
            }
        }
        // one rounding to T of values below 1 + products
        CHECK(largest <= std::numeric_limits<TestType>::epsilon() * (1 + p.products()));
    }
}

TEMPLATE_TEST_CASE("cpu::conv2d agrees with the reference", "[conv2d]", float, double) {
    for (const problem& p : layers()) expect_same<TestType>(p);
}

TEMPLATE_TEST_CASE("cpu::conv2d computes images of any size", "[conv2d]", float, double) {
    for (int size = 1; size <= 67; size += mpar_test::stride()) {
        expect_same<TestType>({square(1), 9, 20, 1, {1, 20, 1, size}, relu});
        expect_same<TestType>({square(3), 2, 5, 1, {1, 5, size, 3}});
        expect_same<TestType>({square(3, 2), 18, 18, 18, {2, 18, 1, size}, relu, true});
    }
}

TEMPLATE_TEST_CASE("cpu::conv2d computes any number of channels", "[conv2d]", float, double) {
    for (int c = 1; c <= 67; c += mpar_test::stride(c < 20 ? 1 : 3)) {
        expect_same<TestType>({square(1), c, 68 - c, 1, {1, 68 - c, 3, 4}, relu, true});
        expect_same<TestType>({square(3), 68 - c, c, 1, {1, c, 3, 2}});
        expect_same<TestType>({square(3), c, c, c, {1, c, 3, 4}, relu6});
    }
}

TEMPLATE_PRODUCT_TEST_CASE("a part of conv2d has the bits of the whole", "[conv2d]", std::tuple,
                           ((backend::cpu, float), (backend::cpu, double),
                            (backend::reference, float))) {
    using B = std::tuple_element_t<0, TestType>;
    using T = std::tuple_element_t<1, TestType>;
    const spacing other{5, 3, 11};
    for (const problem& p : layers()) {
        INFO(p.text());
        const auto all = run<B, T>(p);
        const auto expect_bits = [&](const box& part) {
            INFO("c " << part.c.lo << "," << part.c.hi << " h " << part.h.lo << "," << part.h.hi
                      << " w " << part.w.lo << "," << part.w.hi << " n " << part.n.lo);
            const auto y = run<B, T>(p, part, other);
            CHECK(difference(y.all(), all.all().part(part)) == 0);
        };
        const box b = whole(p.y);
        for (int cut = 0; cut <= p.y.h; cut += 1 + p.y.h / 4) {
            expect_bits({b.n, b.c, {0, cut}, b.w});
            expect_bits({b.n, b.c, {cut, p.y.h}, b.w});
        }
        expect_bits({b.n, b.c, b.h, {p.y.w / 2, p.y.w}});
        expect_bits({{p.y.n - 1, p.y.n}, b.c, b.h, b.w});
        constexpr int V = B::template block<T>;
        for (int c = V; c < p.y.c; c += V * (1 + p.y.c / V / 3)) {
            expect_bits({b.n, {0, c}, b.h, b.w});
            expect_bits({b.n, {c, p.y.c}, {p.y.h / 2, p.y.h}, b.w});
        }
    }
}

TEMPLATE_TEST_CASE("a crew of any size gives the same bits", "[conv2d]", float, double) {
    using B = backend::cpu;
    std::vector<problem> list = layers();
    // Enough work for several units: cut by pixels, by panels, by both; pad lanes; depthwise.
    list.push_back({square(3), 20, 70, 1, {1, 70, 40, 41}, relu, true});
    list.push_back({square(1), 300, 250, 1, {1, 250, 7, 7}, relu6, true});
    list.push_back({square(3), 130, 90, 1, {1, 90, 9, 9}, silu});
    list.push_back({square(1), 1200, 1000, 1, {1, 1000, 1, 1}});
    list.push_back({square(5, 2), 200, 200, 200, {1, 200, 30, 31}, relu6, true});
    list.push_back({padded(3, 1, 1, 1), 80, 200, 1, {2, 200, 20, 21}, relu, true});
    list.push_back({padded(3, 2, 1, 1), 200, 272, 1, {1, 272, 7, 7}, silu});
    for (problem p : list) {
        INFO(p.text());
        const auto alone = run<B, TestType>(p);
        for (p.hands = 2; p.hands <= 3; ++p.hands) {
            CHECK(difference(run<B, TestType>(p).all(), alone.all()) == 0);
        }
    }
}

TEMPLATE_TEST_CASE("an image's few channels may lie in a block of their own", "[conv2d]", float, double) {
    using B = backend::cpu;
    for (const int channels : {1, 3, 4}) {
        for (const int outs : {5, 32, 64, 80}) {
            for (problem p : {problem{padded(7, 2, 3, 3), channels, outs, 1, {2, outs, 21, 28}, relu},
                              problem{padded(3, 2, 0, 1), channels, outs, 1, {1, outs, 14, 14}},
                              problem{padded(3, 1, 1, 1), channels, outs, 1, {1, outs, 9, 7}, silu},
                              problem{square(1, 4), channels, outs, 1, {1, outs, 5, 40}, {}, true},
                              problem{square(1, 2), channels, outs, 1, {1, outs, 5, 40}, relu}}) {
                INFO(p.text());
                const auto usual = run<B, TestType>(p);
                p.x_block = B::image_block<TestType>;
                CHECK(difference(run<B, TestType>(p).all(), usual.all()) == 0);
            }
        }
    }
}

TEMPLATE_TEST_CASE("pixels of narrow blocks are taken for neighbours nowhere", "[conv2d]", float, double) {
    // The first and the last pixel of a tile may lie as far apart as neighbours of whole blocks do.
    using B = backend::cpu;
    for (int width = 3; width <= 20; ++width) {
        for (int stride = 1; stride <= 4; ++stride) {
            problem p{{{2, 1}, {5, stride}}, 4, 2, 1, {2, 2, 7, width}};
            INFO(p.text());
            const auto usual = run<B, TestType>(p);
            p.x_block = B::image_block<TestType>;
            CHECK(difference(run<B, TestType>(p).all(), usual.all()) == 0);
        }
    }
}

TEMPLATE_TEST_CASE("a rank may hold the inputs of its groups only", "[conv2d]", float, double) {
    using B = backend::cpu;
    constexpr int V = B::block<TestType>;
    for (const int per_group : {V, 2 * V}) {
        const problem p{square(3), 4 * per_group, 4 * per_group, 4,
                        {2, 4 * per_group, 5, 6}, relu, true};
        const problem depthwise{square(3), 4 * V, 4 * V, 4 * V, {2, 4 * V, 5, 6}, relu, true};
        for (const problem& q : {p, depthwise}) {
            INFO(q.text());
            const auto all = run<B, TestType>(q);
            box part = whole(q.y);
            part.c.lo = q.out / 2;
            const auto y =
                run<B, TestType>(q, part, {}, plain<TestType>, range{q.in / 2, q.in});
            CHECK(difference(y.all(), all.all().part(part)) == 0);
        }
    }
}

TEMPLATE_TEST_CASE("conv2d over some inputs gives partial sums", "[conv2d]", float, double) {
    using T = TestType;
    const auto check = [](auto backend, const problem& p) {
        using B = decltype(backend);
        INFO(p.text());
        const int cut = 2 * backend::cpu::block<T>;
        const auto all = run<B, T>(p);
        const auto a = run<B, T>(p, whole(p.y), {}, plain<T>, range{0, cut});
        const auto b = run<B, T>(p, whole(p.y), {}, plain<T>, range{cut, p.in});
        const auto none = run<B, T>(p, whole(p.y), {}, plain<T>, range{0, 0});
        tensor<T> sum(p.y, 1);
        sum.fill([&](int n, int c, int h, int w) {
            return a.all()(n, c, h, w) + b.all()(n, c, h, w) - none.all()(n, c, h, w);
        });
        CHECK(difference(sum.all(), all.all()) <= 3 * tolerance<T>(p));
    };
    for (const int groups : {1, 3, 75}) {
        const problem p{square(3), 75, 30 * groups, groups, {1, 30 * groups, 4, 5}};
        check(backend::reference{}, p);
        check(backend::cpu{}, p);
    }
}

TEMPLATE_TEST_CASE("the residual may be y itself", "[conv2d]", float, double) {
    using B = backend::cpu;
    for (problem p : layers()) {
        p.residual = true;
        INFO(p.text());
        const auto expected = run<B, TestType>(p);
        const auto y = run<B, TestType>(p, whole(p.y), {}, plain<TestType>, {0, -1}, true);
        CHECK(difference(y.all(), expected.all()) == 0);
    }
}

TEMPLATE_TEST_CASE("NaN and infinity pass through conv2d", "[conv2d]", float, double) {
    using T = TestType;
    for (const activation& act : {activation{}, relu, relu6, leaky, silu}) {
        for (problem p : {problem{square(3), 40, 33, 1, {1, 33, 5, 6}},
                          problem{square(3), 40, 40, 40, {1, 40, 5, 6}},
                          problem{square(1), 200, 11, 1, {3, 11, 1, 1}}}) {
            p.act = act;
            INFO(p.text());
            const auto nan = [](int n, int c, int h, int w) {
                return c == 9 && n == 0 && h == 0 && w == 0 ? std::numeric_limits<T>::quiet_NaN()
                                                            : plain<T>(n, c, h, w);
            };
            const auto y = run<backend::cpu, T>(p, whole(p.y), {}, +nan);
            CHECK(std::isnan(y.all()(0, 9, 0, 0)));
            const auto expected = run<backend::reference, T>(p, whole(p.y), {}, +nan);
            CHECK(difference(y.all(), expected.all()) <= tolerance<T>(p));
        }
    }
}

TEMPLATE_TEST_CASE("what is no number stays in its group", "[conv2d]", float, double) {
    using T = TestType;
    for (const T bad : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
        static T value;  // of the fifth channel's
        value = bad;
        const auto with_bad = [](int n, int c, int h, int w) {
            return c == 5 && h == 2 && w == 2 ? value : plain<T>(n, c, h, w);
        };
        for (problem p : {problem{square(3), 8, 8, 2, {1, 8, 6, 6}},
                          problem{square(3), 12, 6, 6, {1, 6, 6, 6}, relu, true},
                          problem{square(1), 40, 60, 10, {2, 60, 5, 7}, silu},
                          problem{square(3, 2), 6, 36, 3, {1, 36, 3, 3}, {}, true},
                          problem{square(3), 24, 48, 24, {1, 48, 5, 5}, relu6}}) {
            INFO(p.text() << " with " << bad);
            const auto y = run<backend::cpu, T>(p, whole(p.y), {}, +with_bad);
            const auto expected = run<backend::reference, T>(p, whole(p.y), {}, +with_bad);
            int crossed = 0;
            for (int n = 0; n < p.y.n; ++n) {
                for (int c = 0; c < p.out; ++c) {
                    for (int h = 0; h < p.y.h; ++h) {
                        for (int w = 0; w < p.y.w; ++w) {
                            crossed += std::isfinite(y.all()(n, c, h, w)) !=
                                       std::isfinite(expected.all()(n, c, h, w));
                        }
                    }
                }
            }
            CHECK(crossed == 0);
            p.residual = p.residual && p.act == relu;
            const auto in_place = run<backend::cpu, T>(p, whole(p.y), {}, plain<T>, {0, -1}, true);
            CHECK(difference(in_place.all(), run<backend::reference, T>(p).all()) <= tolerance<T>(p));
        }
    }
}

TEMPLATE_TEST_CASE("sums of many inputs keep their digits", "[conv2d]", float, double) {
    using T = TestType;
    // All terms positive: one after the other they would lose some sqrt(products) roundings.
    const auto positive = [](int n, int c, int h, int w) {
        return std::abs(plain<T>(n, c, h, w)) + T(0.5);
    };
    for (const problem& p : {problem{square(1), 60000, 3, 1, {1, 3, 1, 1}},
                             problem{square(3), 3000, 17, 1, {1, 17, 4, 4}}}) {
        INFO(p.text());
        const auto y = run<backend::cpu, T>(p, whole(p.y), {}, +positive);
        const auto exact = run<backend::reference, T>(p, whole(p.y), {}, +positive);
        double greatest = 0;
        for (int c = 0; c < p.out; ++c) {
            greatest = std::max(greatest, std::abs(double(exact.all()(0, c, 0, 0))));
        }
        CHECK(difference(y.all(), exact.all()) <=
              40 * double(std::numeric_limits<T>::epsilon()) * greatest);
    }
}

TEMPLATE_TEST_CASE("conv2d of nothing does nothing", "[conv2d]", float, double) {
    for (const shape& y : {shape{0, 20, 3, 3}, shape{1, 20, 0, 3}, shape{1, 20, 3, 0}}) {
        const problem p{square(3), 4, 20, 1, y, silu, true};
        expect_same<TestType>(p);
    }
    const problem p{square(3), 4, 20, 1, {1, 20, 3, 3}};
    const box none{{0, 1}, {0, 0}, {0, 3}, {0, 3}};
    CHECK(run<backend::cpu, TestType>(p, none).all().extents.c == 0);
}
