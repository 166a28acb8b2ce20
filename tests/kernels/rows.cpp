// SPDX-License-Identifier: MIT
// Kernels that go by rows have the same bits by many hands as by one.
#include "support/catch.hpp"

#include "kernels/tensors.hpp"

#include <mpar/kernels/cpu/backend.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <tuple>

using namespace mpar;
using namespace mpar_test;

namespace {

using B = backend::cpu;

/// From nothing, by fewer rows than hands, to many units.
const std::vector<shape> shapes{{0, 4, 2, 2},    {1, 4, 0, 2},   {1, 0, 2, 2},  {1, 1, 1, 1},
                                {3, 8, 1, 1},    {1, 37, 2, 3},  {2, 67, 9, 7}, {1, 1000, 1, 1},
                                {2, 64, 33, 29}, {5, 33, 14, 14}};

crew four_hands() {
    crew queue;
    queue.hire(4);
    return queue;
}

/// work(queue, x, y) by one hand and by four, y apart from x and in its place.
template <class T>
void expect_same(const shape& out, bool in_place,
                 const std::function<void(crew&, view<T>, view<T>)>& work) {
    static crew one, four = four_hands();
    constexpr int V = B::block<T>;
    for (const shape& s : shapes) {
        INFO("[" << s.n << ", " << s.c << ", " << s.h << ", " << s.w << "]");
        const shape o{s.n, out.c ? out.c * s.c * s.h * s.w : s.c, out.h ? out.h : s.h,
                      out.w ? out.w : s.w};
        const auto number = [](int n, int c, int h, int w) { return value<T>(1, n, c, h, w); };
        tensor<T> x(s, V, {1, 2, 3}), y(o, V, {4, 5, 6}), z(o, V, {7, 1, 2});
        x.fill(number);
        y.fill(number);
        z.fill(number);
        work(one, in_place ? y.all() : x.all(), y.all());
        work(four, in_place ? z.all() : x.all(), z.all());
        CHECK(difference(y.all(), z.all()) == 0);
        CHECK(z.canaries_live());
        CHECK(x.canaries_live());
        CHECK((z.all().empty() || z.pad_lanes_are_zero()));
    }
}

constexpr shape same{0, 0, 0, 0};

}  // namespace

TEST_CASE("ranges are all of it, each once", "[rows]") {
    crew one, four = four_hands();
    for (crew* queue : {&one, &four}) {
        for (const long count : {0L, 1L, 3L, 100L, 12345L}) {
            for (const long work : {0L, 1L, 100L, 100000L}) {
                std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
                cpu::for_each_range(*queue, count, work, [&](long first, long last) {
                    for (long i = first; i < last; ++i) ++seen[std::size_t(i)];
                });
                CHECK(std::all_of(seen.begin(), seen.end(), [](auto& n) { return n == 1; }));
            }
        }
    }
}

TEMPLATE_TEST_CASE("elementwise kernels by many hands", "[rows]", float, double) {
    using T = TestType;
    for (const bool in_place : {false, true}) {
        for (const auto which : {activation::kind::relu, activation::kind::silu}) {
            const activation act{which};
            expect_same<T>(same, in_place, [&](crew& queue, view<T> x, view<T> y) {
                B::activate(queue, x, act, y);
            });
            expect_same<T>(same, in_place,
                           [&](crew& queue, view<T> x, view<T> y) { B::add(queue, x, y, act, y); });
            expect_same<T>(same, in_place, [&](crew& queue, view<T> x, view<T> y) {
                std::vector<T> scale(std::size_t(round_up(x.extents.c, 16)), T(0)), shift = scale;
                for (int c = 0; c < x.extents.c; ++c) {
                    scale[std::size_t(c)] = value<T>(5, 0, c, 0, 0);
                    shift[std::size_t(c)] = value<T>(6, 0, c, 0, 0);
                }
                B::affine(queue, x, scale.data(), shift.data(), act, y);
            });
        }
        expect_same<T>(same, in_place,
                       [](crew& queue, view<T> x, view<T> y) { B::softmax(queue, x, y); });
    }
}

TEMPLATE_TEST_CASE("pools by many hands", "[rows]", float, double) {
    using T = TestType;
    const sliding window{{3, 1, 1}, {3, 1, 1}};
    const clip padding{1, 1, 1, 1};
    expect_same<T>(same, false, [&](crew& queue, view<T> x, view<T> y) {
        if (y.empty()) return B::max_pool(queue, window, padding, x, y);
        tensor<T> wide({x.extents.n, x.extents.c, x.extents.h + 2, x.extents.w + 2}, x.block);
        wide.fill([](int n, int c, int h, int w) { return value<T>(2, n, c, h, w); });
        B::max_pool(queue, window, padding, wide.all(), y);
        B::avg_pool(queue, window, padding, true, wide.all(), x);
        B::add(queue, x, y, activation{}, y);
    });
    expect_same<T>({0, 0, 0, 1}, false,
                   [](crew& queue, view<T> x, view<T> y) { B::row_sums(queue, x, y); });
    expect_same<T>({0, 0, 1, 1}, false,
                   [](crew& queue, view<T> x, view<T> y) { B::mean_rows(queue, 7.0, x, y); });
}

TEMPLATE_TEST_CASE("copies and margins by many hands", "[rows]", float, double) {
    using T = TestType;
    expect_same<T>(same, false, [](crew& queue, view<T> x, view<T> y) { B::copy(queue, x, y); });
    expect_same<T>(same, false, [](crew& queue, view<T> x, view<T> y) {
        tensor<std::uint8_t> bytes(x.extents, 1);
        tensor<T> other(x.extents, 2 * x.block), dense(x.extents, x.block),
            last(x.extents, x.block);
        bytes.fill([](int n, int c, int h, int w) { return (n + 3 * c + 5 * h + 7 * w) % 256; });
        B::copy(queue, bytes.all(), other.all());
        B::copy(queue, other.all(), dense.all());
        B::copy(queue, dense.all(), last.all());
        B::copy(queue, last.all(), y);
    });
    expect_same<T>({0, 1, 1, 1}, false,
                   [](crew& queue, view<T> x, view<T> y) { B::flatten(queue, x, y); });
    expect_same<T>(same, true, [](crew& queue, view<T>, view<T> y) {
        const shape& s = y.extents;
        B::clear_margin(queue, y, box{{0, s.n}, {0, s.c}, {1, s.h - 1}, {1, s.w - 2}});
    });
}
