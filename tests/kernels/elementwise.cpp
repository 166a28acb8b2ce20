// SPDX-License-Identifier: MIT
// Functions of single elements and softmax: cpu against reference and against the formulas.
#include "support/catch.hpp"

#include "kernels/tensors.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/kernels/reference/backend.hpp>

using namespace mpar;
using namespace mpar_test;

namespace {

using kind = activation::kind;

const std::vector<activation> activations{
    {kind::none}, {kind::relu}, {kind::relu6}, {kind::leaky_relu, 0.1}, {kind::silu}};

const std::vector<shape> shapes{{1, 1, 1, 1},  {2, 16, 3, 5}, {1, 37, 4, 3}, {3, 8, 1, 1},
                                {2, 67, 2, 7}, {0, 4, 2, 2},  {1, 4, 0, 2},  {1, 0, 2, 2}};

/// Values from -8 to 8.
template <class T>
auto numbers(int seed) {
    return [=](int n, int c, int h, int w) { return 8 * value<T>(seed, n, c, h, w); };
}

/// call(backend, x, y) with y's canaries and pad lanes checked; in place when asked.
template <class B, class T, class Call>
tensor<T> run(const shape& s, bool in_place, Call call) {
    constexpr int block = B::template block<T>;
    tensor<T> x(s, block, {1, 2, 3}), y(s, block, {4, 5, 6});
    x.fill(numbers<T>(1));
    y.fill(numbers<T>(1));
    typename B::queue queue;
    call(B{}, queue, in_place ? y.all() : x.all(), y.all());
    CHECK(y.canaries_live());
    CHECK(x.canaries_live());
    CHECK((y.all().empty() || y.pad_lanes_are_zero()));
    return y;
}

/// The same by reference and cpu, to some ulps of 8.
template <class T, class Call>
void expect_same(Call call) {
    for (const shape& s : shapes) {
        INFO("[" << s.n << ", " << s.c << ", " << s.h << ", " << s.w << "]");
        for (const bool in_place : {false, true}) {
            const auto expected = run<backend::reference, T>(s, in_place, call);
            const auto y = run<backend::cpu, T>(s, in_place, call);
            CHECK(difference(y.all(), expected.all()) <= 32 * std::numeric_limits<T>::epsilon());
        }
    }
}

/// The largest error of exponential in units of the result's last place.
template <class T>
double worst_of_exponential(double from, double to) {
    double worst = 0;
    for (int i = 0; i <= 20000; ++i) {
        const T x = static_cast<T>(from + (to - from) * i / 20000);
        const T y = cpu::exponential<T>(cpu::broadcast(x))[0];
        const long double exact = std::exp(static_cast<long double>(x));
        const T nearest = static_cast<T>(exact);
        const T ulp = std::nextafter(nearest, std::numeric_limits<T>::infinity()) - nearest;
        worst = std::max(worst, double(std::abs((y - exact) / ulp)));
    }
    return worst;
}

}  // namespace

TEMPLATE_TEST_CASE("the exponential is right to 2 ulp", "[elementwise]", float, double) {
    using T = TestType;
    const bool is_float = sizeof(T) == 4;
    CHECK(worst_of_exponential<T>(-1, 1) <= 2);
    CHECK(worst_of_exponential<T>(is_float ? -87 : -708, is_float ? 88.5 : 709.5) <= 2);
    CHECK(worst_of_exponential<T>(is_float ? -103 : -745, is_float ? -87 : -708) <= 2);
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const auto at = [](T x) { return cpu::exponential<T>(cpu::broadcast(x))[0]; };
    CHECK(at(0) == 1);
    CHECK(at(infinity) == infinity);
    CHECK(at(-infinity) == 0);
    CHECK(at(std::numeric_limits<T>::max()) == infinity);
    CHECK(at(std::numeric_limits<T>::lowest()) == 0);
    CHECK(std::isnan(at(std::numeric_limits<T>::quiet_NaN())));
}

TEMPLATE_TEST_CASE("products of two tensors, and of channels by a gate", "[elementwise]", float,
                   double) {
    using T = TestType;
    for (const auto& act : activations) {
        expect_same<T>([&](auto b, auto& queue, const view<T>& x, const view<T>& y) {
            using B = decltype(b);
            constexpr int block = B::template block<T>;
            tensor<T> same(x.extents, block, {0, 1, 2});
            same.fill(numbers<T>(2));
            B::multiply(queue, x, same.all(), act, y);
        });
        expect_same<T>([&](auto b, auto& queue, const view<T>& x, const view<T>& y) {
            using B = decltype(b);
            constexpr int block = B::template block<T>;
            tensor<T> gate({x.extents.n, x.extents.c, 1, 1}, block, {0, 1, 2});
            gate.fill(numbers<T>(3));
            B::multiply(queue, x, gate.all(), act, y);
        });
    }
}

TEMPLATE_TEST_CASE("borders of parts of images are those of the whole", "[elementwise]", float,
                   double) {
    using T = TestType;
    const shape image{2, 19, 7, 6};
    const int top = 3, left = 5, rows = 12, columns = 15;  // of the whole output
    const auto check = [&](auto b, const border& around) {
        using B = decltype(b);
        constexpr int block = B::template block<T>;
        tensor<T> x(image, block, {1, 2, 3});
        x.fill(numbers<T>(4));
        typename B::queue queue;
        for (const range h : {range{0, rows}, range{0, 2}, range{4, 9}, range{11, 12}}) {
            for (const range w : {range{0, columns}, range{13, 15}, range{2, 8}}) {
                tensor<T> y({2, 19, h.size(), w.size()}, block, {4, 5, 6});
                B::pad(queue, around, border_line{h.lo - top, 0, image.h},
                       border_line{w.lo - left, 0, image.w}, x.all(), y.all());
                CHECK(y.canaries_live());
                CHECK(y.pad_lanes_are_zero());
                const auto line = [&](int i, int extent) {
                    if (around.with == border::kind::edge) return std::clamp(i, 0, extent - 1);
                    return i < 0 ? -i : i >= extent ? 2 * extent - 2 - i : i;
                };
                int wrong = 0;
                for (int n = 0; n < 2; ++n)
                    for (int c = 0; c < 19; ++c)
                        for (int i = 0; i < h.size(); ++i)
                            for (int j = 0; j < w.size(); ++j) {
                                const int r = h.lo + i - top, q = w.lo + j - left;
                                const bool outside =
                                    r < 0 || r >= image.h || q < 0 || q >= image.w;
                                const T right =
                                    outside && around.with == border::kind::constant
                                        ? T(around.value)
                                        : x.all()(n, c, line(r, image.h), line(q, image.w));
                                wrong += y.all()(n, c, i, j) != right;
                            }
                CHECK(wrong == 0);
            }
        }
    };
    for (const border around : {border{border::kind::constant, 0}, border{border::kind::constant, 3},
                                border{border::kind::reflect}, border{border::kind::edge}}) {
        check(backend::cpu{}, around);
        check(backend::reference{}, around);
    }
}

TEMPLATE_TEST_CASE("activations of vectors are those of numbers", "[elementwise]", float, double) {
    using T = TestType;
    using limits = std::numeric_limits<T>;
    for (const activation& act : activations) {
        for (const T x : {T(0), T(-0.0), T(1), T(-1), T(6), T(7), T(-30), T(30), T(-1000), T(1000),
                          limits::max(), limits::infinity(), -limits::infinity(),
                          limits::quiet_NaN(), limits::denorm_min()}) {
            INFO(int(act.which) << " of " << x);
            const T expected = act(x), y = cpu::apply<T>(act, cpu::broadcast(x))[0];
            if (std::isnan(expected)) {
                CHECK(std::isnan(y));
            } else {
                CHECK(y == Approx(expected).epsilon(4 * limits::epsilon()).margin(limits::min()));
            }
        }
    }
}

TEMPLATE_TEST_CASE("activate, add and affine agree with the reference", "[elementwise]", float,
                   double) {
    using T = TestType;
    for (const activation& act : activations) {
        INFO("activation " << int(act.which));
        expect_same<T>([&](auto b, auto& queue, view<T> x, view<T> y) {
            decltype(b)::activate(queue, x, act, y);
        });
        expect_same<T>([&](auto b, auto& queue, view<T> x, view<T> y) {
            tensor<T> other(x.extents, x.block, {7, 1, 2});
            other.fill(numbers<T>(2));
            decltype(b)::add(queue, x, other.all(), act, y);
        });
        expect_same<T>([&](auto b, auto& queue, view<T> x, view<T> y) {
            std::vector<T> scale(128, T(0)), shift(128, T(0));
            for (int c = 0; c < x.extents.c; ++c) {
                scale[std::size_t(c)] = value<T>(5, 0, c, 0, 0);
                shift[std::size_t(c)] = value<T>(6, 0, c, 0, 0);
            }
            decltype(b)::affine(queue, x, scale.data(), shift.data(), act, y);
        });
    }
}

TEMPLATE_TEST_CASE("softmax agrees with the reference and sums to one", "[elementwise]", float,
                   double) {
    using T = TestType;
    const auto call = [](auto b, auto& queue, view<T> x, view<T> y) {
        decltype(b)::softmax(queue, x, y);
    };
    expect_same<T>(call);
    const auto y = run<backend::cpu, T>({1, 1000, 1, 1}, false, call);
    double sum = 0;
    for (int c = 0; c < 1000; ++c) sum += y.all()(0, c, 0, 0);
    CHECK(sum == Approx(1).epsilon(100 * std::numeric_limits<T>::epsilon()));
}

TEMPLATE_TEST_CASE("softmax of large, infinite and NaN inputs", "[elementwise]", float, double) {
    using T = TestType;
    using limits = std::numeric_limits<T>;
    const auto check = [](auto backend) {
        using B = decltype(backend);
        typename B::queue queue;
        const auto of = [&](T a, T b, T c) {
            tensor<T> x({1, 3, 1, 1}, B::template block<T>);
            x.fill([=](int, int channel, int, int) {
                return channel == 0 ? a : channel == 1 ? b : c;
            });
            B::softmax(queue, x.all(), x.all());
            CHECK(x.pad_lanes_are_zero());
            return x;
        };
        CHECK(of(1000, 1000, -1000).all()(0, 1, 0, 0) == T(0.5));
        CHECK(of(-1000, -1000, -1000).all()(0, 2, 0, 0) == Approx(1.0 / 3));
        CHECK(of(0, -limits::infinity(), 0).all()(0, 1, 0, 0) == 0);
        CHECK(std::isnan(of(0, 1, limits::quiet_NaN()).all()(0, 0, 0, 0)));
        CHECK(std::isnan(of(0, 1, limits::infinity()).all()(0, 2, 0, 0)));
    };
    check(backend::reference{});
    check(backend::cpu{});
}

TEMPLATE_TEST_CASE("an element's place changes no bit of it", "[elementwise]", float, double) {
    using T = TestType;
    using B = backend::cpu;
    constexpr int V = B::block<T>;
    typename B::queue queue;
    const shape s{2, 3 * V, 4, 9};
    for (const activation& act : activations) {
        const auto call = [&](view<T> x, view<T> y) {
            B::activate(queue, x, act, y);
            B::add(queue, x, y, act, y);
        };
        tensor<T> x(s, V), y(s, V);
        x.fill(numbers<T>(1));
        call(x.all(), y.all());
        const box some{{1, 2}, {V, 3 * V}, {1, 4}, {2, 9}};
        tensor<T> alone(some.extents(), V, {5, 2, 1}), result(some.extents(), V, {1, 1, 3});
        alone.fill([&](int n, int c, int h, int w) {
            return x.all()(n + some.n.lo, c + some.c.lo, h + some.h.lo, w + some.w.lo);
        });
        call(alone.all(), result.all());
        CHECK(difference(result.all(), y.all().part(some)) == 0);
    }
}
