// SPDX-License-Identifier: MIT
// Convolutions of every kind, computed by a backend from inputs that hold just what they read, and by their
// formula. Knows no expected outcome.
#pragma once

#include "support/catch.hpp"

#include "kernels/tensors.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/kernels/reference/backend.hpp>

#include <string>
#include <vector>

namespace mpar_test::convolved {

using namespace mpar;

/// A layer and the outputs that are computed of it.
struct problem {
    sliding window;
    int in = 1, out = 1, groups = 1;
    shape y;            // extents of the whole output, y.c == out
    activation act{};
    bool residual = false;
    int hands = 1;      // of the crew that computes it
    int x_block = 0;    // channels of x side by side; 0: the backend's block

    std::string text() const {
        const taps &v = window.h, &u = window.w;
        return std::to_string(v.kernel) + "x" + std::to_string(u.kernel) + " stride " +
               std::to_string(v.stride) + "," + std::to_string(u.stride) + " dilation " +
               std::to_string(v.dilation) + "," + std::to_string(u.dilation) + " " +
               std::to_string(in) + "->" + std::to_string(out) + " groups " +
               std::to_string(groups) + " images " + std::to_string(y.n) + " " +
               std::to_string(y.h) + "x" + std::to_string(y.w);
    }
    int products() const { return in / groups * window.h.kernel * window.w.kernel; }
};

template <class T>
T filter(int o, int i, int kh, int kw) {
    return value<T>(2, o, i, kh, kw);
}

template <class T>
T bias(int o) {
    return value<T>(3, o, 0, 0, 0);
}

/// What the values at an index of x are; the tests of NaN put others in.
template <class T>
using source = T (*)(int, int, int, int);

template <class T>
T plain(int n, int c, int h, int w) {
    return value<T>(1, n, c, h, w);
}

/// How many inputs a layer of `outputs` has.
inline int inputs(const taps& t, int outputs) {
    return t.stride * (outputs - 1) + t.span() - t.before - t.after;
}

/// The outputs `part` of p by B, from inputs that hold just what they read.
template <class B, class T>
tensor<T> run(const problem& p, const box& part, const spacing& free = {},
              source<T> from = plain<T>, range in = {0, -1}, bool in_place = false) {
    constexpr int block = B::template block<T>;
    if (in.hi < 0) in = {0, p.in};
    convolution c{p.window, p.in, p.out, p.groups, in, part.c, {}};
    const range rows = p.window.h.reads(part.h), columns = p.window.w.reads(part.w);
    const range height{0, inputs(p.window.h, p.y.h)}, width{0, inputs(p.window.w, p.y.w)};
    const auto outside = [](range read, range image) {
        return range{std::max(0, -read.lo), std::max(0, read.hi - image.hi)};
    };
    if (!part.empty()) {
        const range h = outside(rows, height), w = outside(columns, width);
        c.padding = {h.lo, h.hi, w.lo, w.hi};
    }
    tensor<T> x({part.n.size(), in.size(), rows.size(), columns.size()},
                p.x_block ? p.x_block : block, free);
    x.fill([&](int n, int i, int h, int w) {
        const int row = rows.lo + h, column = columns.lo + w;
        if (!height.contains({row, row + 1}) || !width.contains({column, column + 1})) return T(0);
        return from(part.n.lo + n, in.lo + i, row, column);
    });
    tensor<T> y(part.extents(), block, free), residual(part.extents(), block, {3, 5, 7});
    const auto added = [&](int n, int o, int h, int w) {
        return value<T>(4, part.n.lo + n, part.c.lo + o, part.h.lo + h, part.w.lo + w);
    };
    residual.fill(added);
    if (in_place) y.fill(added);
    epilogue<T> then{p.act, {}};
    if (p.residual) then.residual = in_place ? y.all() : residual.all();

    std::vector<T> filters, shifts(std::size_t(round_up(part.c.size(), block)) + 1, T(0));
    for (int o = part.c.lo; o < part.c.hi; ++o) {
        shifts[std::size_t(o - part.c.lo)] = bias<T>(o);
        for (int i = 0; i < p.in / p.groups; ++i) {
            for (int kh = 0; kh < p.window.h.kernel; ++kh) {
                for (int kw = 0; kw < p.window.w.kernel; ++kw) {
                    filters.push_back(filter<T>(o, i, kh, kw));
                }
            }
        }
    }
    std::vector<T> packed(std::size_t(B::template packed_filters<T>(c)));
    typename B::queue queue;
    if constexpr (requires { queue.hire(1); }) queue.hire(p.hands);
    B::pack_filters(filters.data(), c, packed.data());
    if (p.window.is_pointwise() && p.y.h * p.y.w == 1) {
        B::dense(queue, c, x.all(), packed.data(), shifts.data(), then, y.all());
    } else {
        std::vector<T> workspace(std::size_t(B::template workspace<T>(c, y.all().extents, p.hands)));
        B::conv2d(queue, c, x.all(), packed.data(), shifts.data(), then, y.all(), workspace.data());
    }
    CHECK(y.canaries_live());
    CHECK(x.canaries_live());
    CHECK(residual.canaries_live());
    CHECK((y.all().empty() || y.pad_lanes_are_zero()));
    return y;
}

template <class B, class T>
tensor<T> run(const problem& p) {
    return run<B, T>(p, whole(p.y));
}

/// The formula, by its own loops.
template <class T>
double formula(const problem& p, int n, int o, int oh, int ow) {
    const int per_in = p.in / p.groups, per_out = p.out / p.groups;
    double sum = bias<T>(o) + (p.residual ? value<T>(4, n, o, oh, ow) : 0);
    for (int i = 0; i < per_in; ++i) {
        for (int kh = 0; kh < p.window.h.kernel; ++kh) {
            for (int kw = 0; kw < p.window.w.kernel; ++kw) {
                const int h = oh * p.window.h.stride - p.window.h.before + kh * p.window.h.dilation;
                const int w = ow * p.window.w.stride - p.window.w.before + kw * p.window.w.dilation;
                if (h < 0 || h >= inputs(p.window.h, p.y.h)) continue;
                if (w < 0 || w >= inputs(p.window.w, p.y.w)) continue;
                const T e = plain<T>(n, o / per_out * per_in + i, h, w);
                sum += double(e) * filter<T>(o, i, kh, kw);
            }
        }
    }
    return sum;
}

/// Rounding of a sum of K products of numbers below 1: K/6 eps is usual.
template <class T>
double tolerance(const problem& p) {
    return std::numeric_limits<T>::epsilon() * (8.0 + p.products());
}

template <class T>
void expect_same(const problem& p) {
    INFO(p.text());
    const auto expected = run<backend::reference, T>(p);
    const auto y = run<backend::cpu, T>(p);
    CHECK(difference(expected.all(), y.all()) <= tolerance<T>(p));
}

constexpr activation relu{activation::kind::relu}, relu6{activation::kind::relu6},
    silu{activation::kind::silu}, leaky{activation::kind::leaky_relu, 0.1};

inline sliding square(int kernel, int stride = 1, int dilation = 1) {
    return {{kernel, stride, dilation}, {kernel, stride, dilation}};
}

/// Padded before and after.
inline sliding padded(int kernel, int stride, int before, int after, int dilation = 1) {
    const taps t{kernel, stride, dilation, before, after};
    return {t, t};
}

/// Layers of every kind, small.
inline std::vector<problem> layers() {
    std::vector<problem> list;
    for (int kernel = 1; kernel <= 7; ++kernel) {
        for (int stride = 1; stride <= 3; ++stride) {
            list.push_back({square(kernel, stride), 5, 19, 1, {2, 19, 7, 5}});
        }
        list.push_back({square(kernel, 1, 2), 17, 33, 1, {1, 33, 5, 9}, relu, true});
        list.push_back({square(kernel, 2, 3), 24, 24, 24, {1, 24, 5, 9}, silu, true});
        list.push_back({{{kernel, 1, 3}, {8 - kernel, 2, 1}}, 4, 40, 1, {3, 40, 4, 6}, leaky});
    }
    for (const int groups : {2, 4, 8, 16, 32}) {
        list.push_back({square(3), 32, 64, groups, {2, 64, 6, 7}, relu6});
        list.push_back({square(3, 2), 64, 32, groups, {1, 32, 6, 7}, {}, true});
        list.push_back({square(1), 96, 96, groups, {1, 96, 3, 3}, relu});
    }
    list.push_back({square(3), 6, 21, 3, {2, 21, 4, 4}});    // groups across blocks
    list.push_back({square(3), 60, 90, 6, {1, 90, 5, 3}});
    list.push_back({square(3), 48, 48, 48, {2, 48, 13, 11}, relu6});
    list.push_back({square(5, 2), 35, 35, 35, {2, 35, 13, 11}, {}, true});
    list.push_back({square(3), 20, 60, 20, {1, 60, 7, 7}, relu});  // depthwise, three outputs each
    list.push_back({square(1), 300, 100, 1, {1, 100, 9, 9}, relu, true});
    list.push_back({square(1), 600, 24, 1, {1, 24, 3, 56}, relu6, true});  // ends in half a vector
    list.push_back({square(1), 600, 40, 1, {1, 40, 3, 56}, {}, true});
    list.push_back({square(1), 20, 48, 1, {2, 48, 3, 56}, relu6, true});  // short sums
    list.push_back({square(1), 40, 24, 1, {1, 24, 3, 56}, silu});
    list.push_back({square(3), 100, 70, 1, {1, 70, 7, 7}, silu});
    list.push_back({square(3), 3, 8, 1, {1, 8, 67, 31}});
    list.push_back({square(1), 700, 130, 1, {1, 130, 1, 1}});     // dense
    list.push_back({square(1), 129, 47, 1, {7, 47, 1, 1}, relu, true});
    // Padding, in rows of whole tiles of seven pixels and in others.
    for (const int width : {5, 7, 14, 15, 28}) {
        list.push_back({padded(3, 1, 1, 1), 33, 70, 1, {2, 70, 5, width}, relu, true});
        list.push_back({padded(3, 2, 1, 0), 20, 64, 1, {2, 64, 4, width}, relu6});
        list.push_back({padded(5, 1, 2, 3), 17, 130, 1, {1, 130, 3, width}, silu, true});
        list.push_back({padded(7, 2, 3, 2), 3, 35, 1, {1, 35, 6, width}});
        list.push_back({padded(3, 1, 2, 2, 2), 16, 16, 1, {1, 16, 4, width}});
        list.push_back({padded(3, 1, 1, 1), 32, 64, 2, {1, 64, 4, width}, relu});
        list.push_back({padded(3, 1, 1, 1), 40, 40, 40, {1, 40, 4, width}, relu});
    }
    list.push_back({padded(9, 1, 4, 4), 20, 96, 1, {1, 96, 2, 7}});  // windows larger than images
    list.push_back({padded(1, 1, 2, 1), 20, 96, 1, {1, 96, 7, 7}});
    list.push_back({padded(3, 1, 1, 1), 300, 96, 1, {1, 96, 7, 7}, relu, true});
    list.push_back({{{33, 1, 1}, {31, 1, 1}}, 2, 3, 1, {1, 3, 2, 2}});  // more steps than one list
    return list;
}

}  // namespace mpar_test::convolved
