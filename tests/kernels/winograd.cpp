// SPDX-License-Identifier: MIT
// conv2d by Winograd's tiles, those of one output too, whose products come in pairs: against the reference in double; the same bits however it is cut.
#include "support/catch.hpp"
#include "support/effort.hpp"

#include "kernels/tensors.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/kernels/reference/backend.hpp>

#include <random>
#include <string>

using namespace mpar;
using namespace mpar_test;

namespace {

using B = backend::cpu;
constexpr int V = B::block<float>;
constexpr activation relu{activation::kind::relu}, silu{activation::kind::silu};

/// Tiles of that side, 0: the direct sum; and the window.
struct form {
    int tile = 0, stride = 1, kernel = 3;

    constexpr sliding window() const {
        const taps t{kernel, stride, 1, kernel / 2, kernel / 2};
        return {t, t};
    }
    form direct() const { return {0, stride, kernel}; }
    std::string text() const {
        return "tile " + std::to_string(tile) + " stride " + std::to_string(stride) + " ";
    }
};

constexpr form forms[] = {{1, 1, 1}, {1, 2, 1}, {2, 1}, {4, 1}, {2, 2}, {4, 2}};
constexpr sliding windows(int stride) { return form{0, stride}.window(); }

/// A layer and its whole output.
struct problem {
    int in = 1;
    shape y;
    activation act{};
    bool residual = false;

    std::string text() const {
        return std::to_string(in) + "->" + std::to_string(y.c) + " images " + std::to_string(y.n) +
               " " + std::to_string(y.h) + "x" + std::to_string(y.w) + " activation " +
               std::to_string(int(act.which)) + (residual ? " residual" : "");
    }
};

/// A factor of filters by which outputs are about as large as inputs.
float filter_scale(int in) { return 1 / std::sqrt(3.f * float(in)); }

/// What a call computes besides its part.
struct manner {
    form how{};
    spacing free{};
    bool in_place = false;  ///< y holds the residual
    range in{0, -1};
    float (*x)(int, int, int, int) = [](int n, int c, int h, int w) {
        return value<float>(1, n, c, h, w);
    };
};

/// The outputs `part` of p by a backend in T, from just the inputs that they read.
template <class Backend, class T>
tensor<T> run(typename Backend::queue& queue, const problem& p, const box& part, manner as) {
    constexpr int block = Backend::template block<T>;
    if (as.in.hi < 0) as.in = {0, p.in};
    const sliding window = as.how.window();
    const int height = as.how.stride * p.y.h, width = as.how.stride * p.y.w;
    convolution c{window, p.in, p.y.c, 1, as.in, part.c, {}};
    const int tile = as.how.tile;
    const auto whole_tiles = [&](range r, int end) {
        if (tile == 0 || r.empty()) return r;
        return range{r.lo / tile * tile, std::min(end, round_up(r.hi, tile))};
    };
    if (tile) c.how = {tile, part.h.lo % tile, part.w.lo % tile};
    const range rows = window.h.reads(whole_tiles(part.h, p.y.h));
    const range columns = window.w.reads(whole_tiles(part.w, p.y.w));
    tensor<T> x({part.n.size(), as.in.size(), rows.size(), columns.size()}, block, as.free);
    x.fill([&](int n, int i, int h, int w) {
        const int row = rows.lo + h, column = columns.lo + w;
        if (row < 0 || row >= height || column < 0 || column >= width) return 0.f;
        return as.x(part.n.lo + n, as.in.lo + i, row, column);
    });
    tensor<T> y(part.extents(), block, as.free), residual(part.extents(), block, {3, 5, 7});
    const auto added = [&](int n, int o, int h, int w) {
        return value<T>(4, part.n.lo + n, part.c.lo + o, part.h.lo + h, part.w.lo + w);
    };
    residual.fill(added);
    if (as.in_place) y.fill(added);
    epilogue<T> then{p.act, {}};
    if (p.residual) then.residual = as.in_place ? y.all() : residual.all();

    std::vector<T> filters, bias(std::size_t(round_up(part.c.size(), block)) + 1, T(0));
    for (int o = part.c.lo; o < part.c.hi; ++o) {
        bias[std::size_t(o - part.c.lo)] = value<T>(3, o, 0, 0, 0);
        for (int i = 0; i < p.in; ++i) {
            for (int k = 0; k < window.h.kernel * window.w.kernel; ++k) {
                filters.push_back(value<float>(2, o, i, k, 0) * filter_scale(p.in));
            }
        }
    }
    std::vector<T> packed(std::size_t(Backend::template packed_filters<T>(c)));
    Backend::pack_filters(filters.data(), c, packed.data());
    int workers = 1;
    if constexpr (requires { queue.workers(); }) workers = queue.workers();
    const long needed = Backend::template workspace<T>(c, part.extents(), workers);
    std::vector<T> workspace(std::size_t(needed) + 1, T(77));
    Backend::conv2d(queue, c, x.all(), packed.data(), bias.data(), then, y.all(), workspace.data());
    CHECK(workspace.back() == T(77));
    CHECK(y.canaries_live());
    CHECK(x.canaries_live());
    CHECK((y.all().empty() || y.pad_lanes_are_zero()));
    return y;
}

tensor<float> run(const problem& p, const box& part, const manner& as) {
    crew queue;
    return run<B, float>(queue, p, part, as);
}

tensor<double> expected(const problem& p, manner as) {
    host_queue queue;
    as.how = as.how.direct();
    return run<backend::reference, double>(queue, p, whole(p.y), as);
}

tensor<double> expected(const problem& p, const form& f) { return expected(p, {.how = f}); }

/// Largest errors are some times those of the direct sum, which grow with the root of its length.
double tolerance(const problem& p, const form& f) {
    const double eps = std::numeric_limits<float>::epsilon();
    return eps * (f.tile <= 2 ? 8 : 24) * (1 + std::sqrt(p.in / 64.0));
}

const std::vector<problem>& layers() {
    static const std::vector<problem> list = [] {
        std::vector<problem> l{{1, {1, 1, 1, 1}},
                               {3, {1, 16, 1, 9}, relu},
                               {16, {2, 33, 5, 2}, silu, true},
                               {64, {1, 64, 14, 14}, relu},
                               {33, {1, 70, 7, 7}, relu, true},
                               {20, {3, 35, 6, 40}, {}, true},
                               {300, {1, 20, 9, 4}}};
        std::mt19937 random(7);
        const auto upto = [&](int n) { return int(random() % unsigned(n)) + 1; };
        for (int i = 0; i < mpar_test::effort(24); ++i) {
            const shape y{upto(3), upto(70), upto(40), upto(40)};
            l.push_back({upto(70), y, activation{activation::kind(i % 5), 0.1}, i % 2 == 1});
        }
        return l;
    }();
    return list;
}

}  // namespace

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

TEST_CASE("pixels far from usual have direct sums, with the bits of any cut", "[winograd]") {
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

TEST_CASE("images of any size have their digits", "[winograd]") {
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

TEST_CASE("a pixel of zeros is its bias, to the bit", "[winograd]") {
    const problem p{128, {1, 40, 7, 7}};
    const auto y =
        run(p, whole(p.y), {.how = {1, 1, 1}, .x = [](int, int, int, int) { return 0.f; }});
    for (int c = 0; c < 40; ++c) CHECK(y.all()(0, c, 3, 3) == value<float>(3, c, 0, 0, 0));
}

TEST_CASE("long sums in pairs have the bits of any cut of outputs", "[winograd]") {
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

TEST_CASE("a filter of zeros gives the bias, to the bit", "[winograd]") {
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
