// SPDX-License-Identifier: MIT
// Paired products: the digits and the bits of inputs and filters of any size.
#include "kernels/transformed.hpp"

using namespace mpar;
using namespace mpar_test;
using namespace mpar_test::transformed;

TEST_CASE("pixels far from usual have direct sums, with the bits of any cut", "[pairs]") {
    constexpr auto source = [](int n, int c, int h, int w) {
        constexpr float sizes[] = {1, 1e-3f, 1, 0, 1e4f, 1e-30f, 1, 1e20f};
        return value<float>(1, n, c, h, w) * sizes[(h * 5 + w) % 8];
    };
    crew four;
    four.hire(4);
    const form f{1, 1, 1};
    for (const bool residual : {false, true}) {
        for (const auto& [in, out] : {std::pair{256, 64}, {64, 48}, {90, 130}, {8, 40}}) {
            const problem p{in, {1, out, 13, 9}, relu, residual};
            INFO(p.text());
            const manner as{.how = f, .x = source};
            const auto all = run(p, whole(p.y), as);
            const auto exact = expected(p, as);
            double worst = 0;
            for (int h = 0; h < p.y.h; ++h) {
                for (int w = 0; w < p.y.w; ++w) {
                    double error = 0, size = 1;  // of a pixel: its bias, or its inputs
                    for (int i = 0; i < in; ++i) {
                        size = std::max(size, std::abs(double(source(0, i, h, w))));
                    }
                    for (int c = 0; c < out; ++c) {
                        error = std::max(error,
                                         std::abs(all.all()(0, c, h, w) - exact.all()(0, c, h, w)));
                    }
                    worst = std::max(worst, error / size);
                }
            }
            CHECK(worst <= tolerance(p, f));
            const auto by_many = run<B, float>(four, p, whole(p.y), as);
            CHECK(difference(by_many.all(), all.all()) == 0);
            for (int cut = 1; cut < p.y.h; ++cut) {
                const box part{{0, 1}, {0, out}, {cut, p.y.h}, {0, p.y.w}};
                CHECK(difference(run(p, part, as).all(), all.all().part(part)) == 0);
            }
        }
    }
}

TEST_CASE("images of any size have their digits", "[pairs]") {
    struct sized {
        float size;
        float (*x)(int, int, int, int);
    };
    constexpr sized images[] = {
        {1e-3f, [](int n, int c, int h, int w) { return 1e-3f * value<float>(1, n, c, h, w); }},
        {1e6f, [](int n, int c, int h, int w) { return 1e6f * value<float>(1, n, c, h, w); }},
        {1e15f, [](int n, int c, int h, int w) { return 1e15f * value<float>(1, n, c, h, w); }},
        {1, [](int n, int c, int h, int w) { return w < 9 ? 0 : value<float>(1, n, c, h, w); }},
        {1,
         [](int n, int c, int h, int w) { return value<float>(1, n, c, h, w) + 3 * (c % 4 == 0); }},
    };
    const problem p{80, {1, 80, 13, 18}};
    for (const form& f : forms) {
        for (const sized& image : images) {
            INFO(f.text() << image.size);
            const manner as{.how = f, .x = image.x};
            const auto y = run(p, whole(p.y), as);
            const double error = difference(y.all(), expected(p, as).all());
            CHECK(error <= 2 * std::max(1.f, image.size) * tolerance(p, f));
        }
    }
}

TEST_CASE("a pixel of zeros is its bias, to the bit", "[pairs]") {
    const problem p{128, {1, 40, 7, 7}};
    const auto y =
        run(p, whole(p.y), {.how = {1, 1, 1}, .x = [](int, int, int, int) { return 0.f; }});
    for (int c = 0; c < 40; ++c) CHECK(y.all()(0, c, 3, 3) == value<float>(3, c, 0, 0, 0));
}

TEST_CASE("long sums in pairs have the bits of any cut of outputs", "[pairs]") {
    for (const form& f : {form{1, 1, 1}, form{2, 1}, form{4, 1}}) {
        const problem p{1600, {1, 5 * V, 5, 6}, relu, true};
        const auto all = run(p, whole(p.y), {.how = f});
        CHECK(difference(all.all(), expected(p, f).all()) <= 2 * tolerance(p, f));
        for (int c = V; c < p.y.c; c += V) {
            for (const range channels : {range{0, c}, range{c, p.y.c}}) {
                const box part{{0, 1}, channels, {0, p.y.h}, {0, p.y.w}};
                CHECK(difference(run(p, part, {.how = f}).all(), all.all().part(part)) == 0);
            }
        }
    }
}

TEST_CASE("a filter of zeros gives the bias, to the bit", "[pairs]") {
    const convolution c{form{1, 1, 1}.window(), 64, V, 1, {0, 64}, {0, V}, {1}};
    const std::vector<float> filters(64 * V, 0.f), bias(V, 0.7f);
    std::vector<float> packed(std::size_t(B::packed_filters<float>(c))), workspace(64);
    tensor<float> x({1, 64, 7, 7}, V), y({1, V, 7, 7}, V);
    x.fill([](int n, int i, int h, int w) { return value<float>(1, n, i, h, w); });
    B::pack_filters(filters.data(), c, packed.data());
    crew queue;
    B::conv2d<float>(queue, c, x.all(), packed.data(), bias.data(), {}, y.all(), workspace.data());
    for (int i = 0; i < 49; ++i) CHECK(y.all()(0, i % V, i / 7, i % 7) == 0.7f);
}
