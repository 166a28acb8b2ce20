// SPDX-License-Identifier: MIT
// Pools: reference against the definition, cpu against reference, parts against the whole.
#include "support/catch.hpp"

#include "kernels/tensors.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/kernels/reference/backend.hpp>

#include <string>

using namespace mpar;
using namespace mpar_test;

namespace {

enum class kind { max, average, average_with_padding };

/// A pool of a padded image of `image` rows and columns.
struct problem {
    kind which = kind::max;
    sliding window;
    int images = 1, channels = 1, h = 1, w = 1;

    shape outputs() const {
        return {images, channels, window.h.outputs(h), window.w.outputs(w)};
    }
    std::string text() const {
        return std::to_string(int(which)) + ": " + std::to_string(window.h.kernel) + "x" +
               std::to_string(window.w.kernel) + " stride " + std::to_string(window.h.stride) +
               " padding " + std::to_string(window.h.before) + " image " + std::to_string(h) +
               "x" + std::to_string(w) + " channels " + std::to_string(channels);
    }
};

/// The outputs `part` of p by B, from just the rows and columns that they read. Padding is NaN: it
/// must not be looked at.
template <class B, class T>
tensor<T> run(const problem& p, const box& part, const spacing& free = {}, int nan_at = -1) {
    constexpr int block = B::template block<T>;
    constexpr T nan = std::numeric_limits<T>::quiet_NaN();
    const range rows = p.window.h.reads(part.h), columns = p.window.w.reads(part.w);
    tensor<T> x({part.n.size(), part.c.size(), rows.size(), columns.size()}, block, free);
    x.fill([&](int n, int c, int h, int w) {
        const int row = rows.lo + h, column = columns.lo + w;
        if (row < 0 || row >= p.h || column < 0 || column >= p.w) return nan;
        if (row == nan_at && column == nan_at && part.c.lo + c == 0) return nan;
        return value<T>(1, part.n.lo + n, part.c.lo + c, row, column);
    });
    const clip padding{std::max(0, -rows.lo), std::max(0, rows.hi - p.h),
                       std::max(0, -columns.lo), std::max(0, columns.hi - p.w)};
    tensor<T> y(part.extents(), block, free);
    typename B::queue queue;
    if (p.which == kind::max) {
        B::max_pool(queue, p.window, padding, x.all(), y.all());
    } else {
        const bool count = p.which == kind::average_with_padding;
        B::avg_pool(queue, p.window, padding, count, x.all(), y.all());
    }
    CHECK(y.canaries_live());
    CHECK(y.pad_lanes_are_zero());
    return y;
}

double definition(const problem& p, int n, int c, int oh, int ow) {
    double sum = 0, largest = -2;
    int count = 0;
    const taps &v = p.window.h, &u = p.window.w;
    for (int kh = 0; kh < v.kernel; ++kh) {
        for (int kw = 0; kw < u.kernel; ++kw) {
            const int h = oh * v.stride - v.before + kh * v.dilation;
            const int w = ow * u.stride - u.before + kw * u.dilation;
            if (h < 0 || h >= p.h || w < 0 || w >= p.w) continue;
            sum += value<double>(1, n, c, h, w);
            largest = std::max(largest, value<double>(1, n, c, h, w));
            ++count;
        }
    }
    if (count == 0) return 0;
    if (p.which == kind::max) return largest;
    return sum / (p.which == kind::average ? count : v.kernel * u.kernel);
}

std::vector<problem> pools() {
    std::vector<problem> list;
    for (const kind which : {kind::max, kind::average, kind::average_with_padding}) {
        for (int kernel = 1; kernel <= 5; ++kernel) {
            for (int stride = 1; stride <= 3; ++stride) {
                const taps t{kernel, stride, 1, kernel / 2, (kernel - 1) / 2};
                list.push_back({which, {t, t}, 2, 19, 13, 10});
            }
        }
        list.push_back({which, {{3, 2, 1, 1, 1}, {3, 2, 1, 1, 1}}, 1, 64, 29, 28});
        list.push_back({which, {{2, 2, 3, 3, 3}, {5, 1, 2, 4, 4}}, 1, 5, 11, 17});
        list.push_back({which, {{7, 7, 1, 0, 0}, {7, 7, 1, 0, 0}}, 3, 33, 7, 7});
        list.push_back({which, {{2, 1, 1, 3, 3}, {2, 1, 1, 3, 3}}, 1, 3, 2, 2});  // empty windows
    }
    return list;
}

}  // namespace

TEMPLATE_TEST_CASE("reference pools are their definition", "[pool]", float, double) {
    for (const problem& p : pools()) {
        INFO(p.text());
        const auto y = run<backend::reference, TestType>(p, whole(p.outputs()));
        tensor<double> expected(p.outputs(), 1);
        expected.fill([&](int n, int c, int h, int w) { return definition(p, n, c, h, w); });
        CHECK(difference(y.all(), expected.all()) <= std::numeric_limits<TestType>::epsilon());
    }
}

TEMPLATE_TEST_CASE("cpu pools agree with the reference", "[pool]", float, double) {
    using T = TestType;
    for (const problem& p : pools()) {
        INFO(p.text());
        const auto expected = run<backend::reference, T>(p, whole(p.outputs()));
        const auto y = run<backend::cpu, T>(p, whole(p.outputs()), {2, 3, 5});
        const int count = p.window.h.kernel * p.window.w.kernel;
        const double eps = std::numeric_limits<T>::epsilon() * (count + 1);
        CHECK(difference(y.all(), expected.all()) <= (p.which == kind::max ? 0 : eps));
    }
}

TEMPLATE_TEST_CASE("a part of a pool has the bits of the whole", "[pool]", float, double) {
    for (const problem& p : pools()) {
        INFO(p.text());
        const box b = whole(p.outputs());
        const auto check = [&](auto backend) {
            using B = decltype(backend);
            const auto all = run<B, TestType>(p, b);
            for (int cut = 0; cut <= b.h.hi; cut += 2) {
                for (const range rows : {range{0, cut}, range{cut, b.h.hi}}) {
                    const box part{b.n, b.c, rows, b.w};
                    const auto y = run<B, TestType>(p, part, {1, 2, 3});
                    CHECK(difference(y.all(), all.all().part(part)) == 0);
                }
            }
            const box part{b.n, b.c, b.h, {b.w.hi / 2, b.w.hi}};
            CHECK(difference(run<B, TestType>(p, part).all(), all.all().part(part)) == 0);
        };
        check(backend::cpu{});
        check(backend::reference{});
    }
}

TEMPLATE_TEST_CASE("NaN passes through pools", "[pool]", float, double) {
    for (const problem& p : pools()) {
        INFO(p.text());
        const auto expected = run<backend::reference, TestType>(p, whole(p.outputs()), {}, 1);
        const auto y = run<backend::cpu, TestType>(p, whole(p.outputs()), {}, 1);
        CHECK(difference(y.all(), expected.all()) < 1e-5);  // infinite unless NaN meets NaN
        if (p.window.h.stride == 1 && p.window.w.stride == 1 &&
            p.window.h.before < p.window.h.kernel) {
            CHECK(std::isnan(y.all()(0, 0, 1, 1)));
        }
    }
}

TEMPLATE_TEST_CASE("sums of rows, then their mean", "[pool]", float, double) {
    using T = TestType;
    for (const shape s : {shape{1, 1, 1, 1}, shape{2, 37, 7, 7}, shape{1, 64, 13, 40},
                          shape{1, 3, 0, 5}, shape{1, 3, 4, 0}, shape{0, 3, 4, 4}}) {
        INFO(s.c << "x" << s.h << "x" << s.w);
        const auto run = [&](auto backend, int cut) {
            using B = decltype(backend);
            constexpr int block = B::template block<T>;
            typename B::queue queue;
            tensor<T> x(s, block, {1, 2, 3}), rows({s.n, s.c, s.h, 1}, block, {3, 2, 1});
            tensor<T> y({s.n, s.c, 1, 1}, block, {5, 6, 7});
            x.fill([](int n, int c, int h, int w) { return value<T>(1, n, c, h, w); });
            for (const range part : {range{0, cut}, range{cut, s.h}}) {  // as two ranks would
                const auto b = [&](int w) { return box{{0, s.n}, {0, s.c}, part, {0, w}}; };
                B::row_sums(queue, x.all().part(b(s.w)), rows.all().part(b(1)));
            }
            B::mean_rows(queue, std::max(1.0, double(s.h) * s.w), rows.all(), y.all());
            CHECK(rows.canaries_live());
            CHECK(y.canaries_live());
            CHECK(y.pad_lanes_are_zero());
            return y;
        };
        const auto expected = run(backend::reference{}, 0), y = run(backend::cpu{}, 0);
        CHECK(difference(y.all(), expected.all()) == 0);
        CHECK(difference(run(backend::cpu{}, s.h / 2).all(), y.all()) == 0);
        if (s.count() == 0) continue;
        double sum = 0;
        for (int i = 0; i < s.h * s.w; ++i) sum += value<T>(1, 0, 0, i / s.w, i % s.w);
        CHECK(std::abs(y.all()(0, 0, 0, 0) - sum / (s.h * s.w)) < 1e-5);
    }
}
