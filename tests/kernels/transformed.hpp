// SPDX-License-Identifier: MIT
// Convolutions by Winograd's tiles, those of one output too, whose products come in pairs, and in double by their
// sums. Knows no expected outcome.
#pragma once

#include "support/catch.hpp"
#include "support/effort.hpp"

#include "kernels/tensors.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/kernels/reference/backend.hpp>

#include <random>
#include <string>

namespace mpar_test::transformed {

using namespace mpar;
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
inline float filter_scale(int in) { return 1 / std::sqrt(3.f * float(in)); }

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

inline tensor<float> run(const problem& p, const box& part, const manner& as) {
    crew queue;
    return run<B, float>(queue, p, part, as);
}

inline tensor<double> expected(const problem& p, manner as) {
    host_queue queue;
    as.how = as.how.direct();
    return run<backend::reference, double>(queue, p, whole(p.y), as);
}

inline tensor<double> expected(const problem& p, const form& f) { return expected(p, {.how = f}); }

/// Largest errors are some times those of the direct sum, which grow with the root of its length.
inline double tolerance(const problem& p, const form& f) {
    const double eps = std::numeric_limits<float>::epsilon();
    return eps * (f.tile <= 2 ? 8 : 24) * (1 + std::sqrt(p.in / 64.0));
}

inline const std::vector<problem>& layers() {
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

}  // namespace mpar_test::transformed
