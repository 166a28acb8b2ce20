// SPDX-License-Identifier: MIT
// Every kind of kernel on small problems, each outcome as a checksum of its bits. Knows no expected value and neither
// MPI nor Catch2: it is compiled many times.
#pragma once

#include "kernels/tensors.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/kernels/cpu/gemm/gemm.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace mpar_test::digests::inline MPAR_ISA_NAMESPACE {

using namespace mpar;
using B = backend::cpu;

/// What was computed, in words, and the checksum of its bits.
struct line {
    std::string what;
    std::uint64_t sum = 0xcbf29ce484222325u;

    template <class T>
    void add(T value) {
        unsigned char bytes[sizeof value];
        std::memcpy(bytes, &value, sizeof value);
        for (const unsigned char b : bytes) sum = (sum ^ b) * 0x100000001b3u;
    }
};
using digest = std::vector<line>;

template <class T>
void add(digest& d, std::string what, const view<T>& v) {
    line l{(sizeof(T) == 4 ? "float " : "double ") + std::move(what)};
    const shape& s = v.extents;
    for (int n = 0; n < s.n; ++n) {
        for (int c = 0; c < s.c; ++c) {
            for (int h = 0; h < s.h; ++h) {
                for (int w = 0; w < s.w; ++w) l.add(v(n, c, h, w));
            }
        }
    }
    d.push_back(std::move(l));
}

/// A convolution of images of that size; tile as convolution::how has it.
struct layer {
    int kernel, stride, dilation, padding, in, out, groups;
    shape x;
    activation act;
    bool residual;
    int tile;

    std::string text() const {
        return "conv2d " + std::to_string(kernel) + "/" + std::to_string(stride) + "/" +
               std::to_string(dilation) + " " + std::to_string(in) + "->" + std::to_string(out) +
               " groups " + std::to_string(groups) + " on " + std::to_string(x.h) + "x" +
               std::to_string(x.w) + " activation " + std::to_string(int(act.which)) + " tile " +
               std::to_string(tile);
    }
};

template <class T>
void convolve(digest& d, const layer& l) {
    constexpr int block = B::block<T>;
    const taps t{l.kernel, l.stride, l.dilation, l.padding, l.padding};
    convolution c{{t, t}, l.in, l.out, l.groups, {0, l.in}, {0, l.out}, {}};
    c.how.tile = l.tile;
    const shape ys{l.x.n, l.out, t.outputs(l.x.h), t.outputs(l.x.w)};
    // x holds what whole tiles read
    const int tile = l.tile ? l.tile : 1;
    const range rows = t.reads({0, round_up(ys.h, tile)}),
                columns = t.reads({0, round_up(ys.w, tile)});
    tensor<T> x({l.x.n, l.in, rows.size(), columns.size()}, block), y(ys, block),
        residual(ys, block);
    x.fill([&](int n, int i, int h, int w) {
        const int row = h + rows.lo, column = w + columns.lo;
        const bool inside = row >= 0 && row < l.x.h && column >= 0 && column < l.x.w;
        return inside ? value<T>(1, n, i, row, column) : T(0);
    });
    residual.fill([](int n, int o, int h, int w) { return value<T>(4, n, o, h, w); });
    epilogue<T> then{l.act, {}};
    if (l.residual) then.residual = residual.all();
    std::vector<T> filters, bias(std::size_t(round_up(l.out, block)), T(0));
    for (int o = 0; o < l.out; ++o) {
        bias[std::size_t(o)] = value<T>(3, o, 0, 0, 0);
        for (int i = 0; i < l.in / l.groups * l.kernel * l.kernel; ++i) {
            filters.push_back(value<T>(2, o, i, 0, 0) / T(3));  // fills its mantissa
        }
    }
    std::vector<T> packed(std::size_t(B::packed_filters<T>(c)));
    B::pack_filters(filters.data(), c, packed.data());
    line weights{"packed, " + l.text()};
    for (const T w : packed) weights.add(w);
    d.push_back(weights);
    crew queue;
    std::vector<T> workspace(std::size_t(B::workspace<T>(c, ys, 1)) + 1);
    if (l.x.h * l.x.w == 1) {
        B::dense(queue, c, x.all(), packed.data(), bias.data(), then, y.all());
    } else {
        B::conv2d(queue, c, x.all(), packed.data(), bias.data(), then, y.all(), workspace.data());
    }
    add(d, l.text(), y.all());
}

/// Sums of every length and kind that the register tiles have code of their own for.
inline std::vector<layer> layers() {
    constexpr activation none{}, relu{activation::kind::relu}, relu6{activation::kind::relu6},
        silu{activation::kind::silu}, leaky{activation::kind::leaky_relu, 0.1};
    return {
        {1, 1, 1, 0, 64, 64, 1, {1, 64, 14, 14}, relu, false, 0},
        {1, 1, 1, 0, 300, 100, 1, {1, 300, 9, 9}, none, true, 0},
        {1, 1, 1, 0, 20, 1, 1, {1, 20, 1, 5}, none, false, 0},  // one pixel, one vector: one sum
        {1, 1, 1, 0, 33, 7, 1, {2, 33, 3, 5}, silu, true, 0},
        {1, 2, 1, 0, 40, 24, 1, {1, 40, 9, 56}, leaky, false, 0},
        {3, 1, 1, 1, 3, 8, 1, {1, 3, 31, 37}, relu, false, 0},
        {3, 1, 1, 1, 100, 70, 1, {1, 100, 7, 7}, silu, false, 0},
        {3, 2, 1, 1, 20, 64, 1, {2, 20, 8, 14}, relu6, true, 0},
        {5, 1, 2, 3, 17, 130, 1, {1, 17, 9, 15}, none, false, 0},
        {7, 2, 1, 3, 3, 64, 1, {1, 3, 28, 28}, relu, false, 0},
        {3, 1, 1, 1, 32, 64, 2, {1, 32, 6, 7}, relu, false, 0},
        {3, 1, 1, 1, 60, 90, 6, {1, 60, 5, 3}, none, true, 0},
        {3, 1, 1, 1, 48, 48, 48, {1, 48, 13, 11}, relu6, false, 0},  // depthwise
        {5, 2, 1, 2, 35, 35, 35, {2, 35, 13, 11}, silu, true, 0},
        {3, 1, 2, 2, 24, 24, 24, {1, 24, 9, 14}, none, false, 0},
        {1, 1, 1, 0, 700, 130, 1, {1, 700, 1, 1}, none, false, 0},  // dense
        {1, 1, 1, 0, 129, 47, 1, {7, 129, 1, 1}, relu, true, 0},
        {1, 1, 1, 0, 250, 3, 1, {2, 250, 1, 1}, none, false, 0},
    };
}

/// Those that Winograd's tiles compute, float alone.
inline std::vector<layer> in_tiles() {
    std::vector<layer> list;
    for (const auto& [tile, stride, kernel] :
         {std::array{1, 1, 1}, {1, 2, 1}, {2, 1, 3}, {4, 1, 3}, {2, 2, 3}, {4, 2, 3}}) {
        for (const auto& [in, out] : {std::pair{64, 64}, {23, 22}, {30, 8}, {19, 6}, {150, 70}}) {
            list.push_back({kernel,
                            stride,
                            1,
                            kernel / 2,
                            in,
                            out,
                            1,
                            {1, in, 14 * stride, 14 * stride},
                            activation{activation::kind::relu},
                            out == 22,
                            tile});
        }
    }
    return list;
}

template <class T>
void add_elementwise(digest& d) {
    constexpr int block = B::block<T>;
    crew queue;
    const shape s{2, 37, 6, 7};
    tensor<T> x(s, block), z(s, block), y(s, block);
    x.fill([](int n, int c, int h, int w) { return 8 * value<T>(1, n, c, h, w); });
    z.fill([](int n, int c, int h, int w) { return value<T>(2, n, c, h, w) / T(3); });
    const auto in = view<const T>(x.all()), other = view<const T>(z.all());
    std::vector<T> scale(std::size_t(round_up(s.c, block))), shift(scale.size());
    for (int c = 0; c < s.c; ++c) {
        scale[std::size_t(c)] = value<T>(5, c, 0, 0, 0) / T(3);
        shift[std::size_t(c)] = value<T>(6, c, 0, 0, 0);
    }
    for (int k = 0; k < 5; ++k) {
        const activation act{activation::kind(k), 0.1};
        const std::string name = " activation " + std::to_string(k);
        B::activate(queue, in, act, y.all());
        add(d, "activate" + name, y.all());
        B::affine(queue, in, scale.data(), shift.data(), act, y.all());
        add(d, "affine" + name, y.all());
        B::add(queue, in, other, act, y.all());
        add(d, "add" + name, y.all());
    }
    const taps three{3, 2, 1, 1, 1}, two{2, 1, 1, 0, 0};
    for (const sliding& window : {sliding{three, three}, {two, two}, {three, two}}) {
        const clip padding{window.h.before, window.h.after, window.w.before, window.w.after};
        tensor<T> padded(
            {s.n, s.c, s.h + padding.top + padding.bottom, s.w + padding.left + padding.right},
            block);
        padded.fill([&](int n, int c, int h, int w) {
            const bool inside = h >= padding.top && h < padding.top + s.h && w >= padding.left &&
                                w < padding.left + s.w;
            return inside ? value<T>(1, n, c, h, w) / T(3) : T(0);
        });
        tensor<T> out({s.n, s.c, window.h.outputs(s.h), window.w.outputs(s.w)}, block);
        const view<const T> from = padded.all();
        B::max_pool(queue, window, padding, from, out.all());
        add(d, "max_pool", out.all());
        for (const bool counts : {false, true}) {
            B::avg_pool(queue, window, padding, counts, from, out.all());
            add(d, counts ? "avg_pool, padding counts" : "avg_pool", out.all());
        }
    }
    tensor<T> sums({s.n, s.c, s.h, 1}, block), means({s.n, s.c, 1, 1}, block),
        shares({s.n, s.c, 1, 1}, block);
    B::row_sums(queue, other, sums.all());
    add(d, "row_sums", sums.all());
    B::mean_rows(queue, 42.0, view<const T>(sums.all()), means.all());
    add(d, "mean_rows", means.all());
    B::softmax(queue, view<const T>(means.all()), shares.all());
    add(d, "softmax", shares.all());
}

template <class T>
void multiply(digest& d, int m, int n, int k, bool adds) {
    const auto filled = [](int seed, int rows, int columns) {
        std::vector<T> v(std::size_t(rows) * std::size_t(columns));
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = value<T>(seed, int(i), 0, 0, 0) / T(3);
        return v;
    };
    auto a = filled(1, m, k), b = filled(2, k, n), c = filled(3, m, n);
    std::vector<T> work(std::size_t(mpar::cpu::gemm_workspace<T>(m, n, k)) + 1);
    host_queue queue;
    mpar::cpu::gemm<T>(queue, {a.data(), m, k, k}, {b.data(), k, n, n}, {c.data(), m, n, n}, adds,
                       work.data());
    line l{(sizeof(T) == 4 ? "float gemm " : "double gemm ") + std::to_string(m) + " x " +
           std::to_string(n) + " x " + std::to_string(k) + (adds ? " added" : "")};
    for (const T x : c) l.add(x);
    d.push_back(l);
}

template <class T>
void add_all(digest& d) {
    for (const layer& l : layers()) convolve<T>(d, l);
    if constexpr (sizeof(T) == 4) {
        for (const layer& l : in_tiles()) convolve<T>(d, l);
    }
    add_elementwise<T>(d);
    for (const int m : {1, 2, 3, 4, 7, 40}) {
        for (const auto& [n, k] : {std::pair{100, 67}, {17, 1100}, {1, 33}, {300, 300}}) {
            multiply<T>(d, m, n, k, m % 2 == 1);
        }
    }
}

inline digest all() {
    digest d;
    add_all<float>(d);
    add_all<double>(d);
    return d;
}

}  // namespace mpar_test::digests::inline MPAR_ISA_NAMESPACE
