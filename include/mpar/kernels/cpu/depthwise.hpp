// SPDX-License-Identifier: MIT
// Depthwise convolution: every channel by its own filter. Knows views, no other kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/pixels.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/tensor/crew.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Neighbours in a row of one channel block of a depthwise convolution.
template <class T>
struct depthwise_io {
    const T* x = nullptr;  ///< the first pixel's first tap
    T* y = nullptr;
    const T* residual = nullptr;  ///< nullptr: none
    const T* bias = nullptr;
    const T* filters = nullptr;      ///< [kh][kw][V]
    taps rows, columns;              ///< of the window
    long row = 0, column = 0;        ///< in x, from a tap to the one below and beside it
    long next = 0;                   ///< in x, from a pixel's taps to its neighbour's
    bounds<T> within{};              ///< of what is written
};

/// y = act(bias + residual + sum over window rows and columns of x * filters) for R pixels. Where
/// the window's columns K and stride S are constants, an input is loaded once for all pixels that
/// read it; K = 0: they are io's. The order of the sum is the same.
template <class T, int R, int K, int S>
void depthwise_tile(const depthwise_io<T>& io) {
    constexpr int V = lanes<T>;
    vec<T> sums[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sums[r] = load<T>(io.bias);
    if (io.residual) {
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sums[r] += load<T>(io.residual + r * V);
    }
    const T *filter = io.filters, *row = io.x;
    for (int i = 0; i < io.rows.kernel; ++i, row += io.row) {
        if constexpr (K == 0) {
            const T* p = row;
            for (int k = 0; k < io.columns.kernel; ++k, p += io.column, filter += V) {
                const vec<T> w = load<T>(filter);
#pragma GCC unroll 8
                for (int r = 0; r < R; ++r) sums[r] += load<T>(p + r * io.next) * w;
            }
        } else {
            vec<T> w[K];
#pragma GCC unroll 8
            for (int k = 0; k < K; ++k, filter += V) w[k] = load<T>(filter);
#pragma GCC unroll 32
            for (int j = 0; j < (R - 1) * S + K; ++j) {
                const vec<T> e = load<T>(row + j * V);
#pragma GCC unroll 8
                for (int k = 0; k < K; ++k) {
                    const int r = (j - k) / S;
                    if (j >= k && r * S + k == j && r < R) sums[r] += e * w[k];
                }
            }
        }
    }
    if (io.within.any) {
        const vec<T> low = broadcast<T>(io.within.low), high = broadcast<T>(io.within.high);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sums[r] = bounded<T>(sums[r], low, high);
    }
    T* const y = io.y;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) store<T>(y + r * V, sums[r]);
}

template <class T>
using depthwise_kernel = void (*)(const depthwise_io<T>&);

/// Kernels of one window, for a row of any length. Widths of usual images are multiples of 7.
template <class T>
struct depthwise_kernels {
    static constexpr int pixels = 7;
    depthwise_kernel<T> of_many, of_one;

    template <int K, int S>
    static constexpr depthwise_kernels make() {
        return {depthwise_tile<T, pixels, K, S>, depthwise_tile<T, 1, K, S>};
    }
    static depthwise_kernels of(const taps& u) {
        if (u.dilation == 1 && u.kernel == 3 && u.stride == 1) return make<3, 1>();
        if (u.dilation == 1 && u.kernel == 3 && u.stride == 2) return make<3, 2>();
        if (u.dilation == 1 && u.kernel == 5 && u.stride == 1) return make<5, 1>();
        if (u.dilation == 1 && u.kernel == 5 && u.stride == 2) return make<5, 2>();
        return make<0, 0>();
    }
};

/// conv2d for takes_depthwise(c).
template <class T>
void depthwise_conv2d(crew& queue, const convolution& c, input_view<T> x, const T* packed,
                      const T* bias, const epilogue<T>& then, const view<T>& y) {
    constexpr int V = lanes<T>;
    const taps &v = c.window.h, &u = c.window.w;
    const auto kernels = depthwise_kernels<T>::of(u);
    const int x_block = (c.out_channels.lo - c.in_channels.lo) / V, used = y.extents.c % V;
    depthwise_io<T> all;
    all.rows = v;
    all.columns = u;
    all.row = v.dilation * x.stride_h;
    all.column = u.dilation * V;
    all.next = u.stride * V;
    all.within = bounds<T>::of(then.act);
    for_each_row(queue, y, c.window_taps(), [&](int n, int block, int h) {
        depthwise_io<T> io = all;
        io.x = row_of(x, n, x_block + block, v.stride * h);
        io.y = row_of(y, n, block, h);
        if (then.residual.data) io.residual = row_of(then.residual, n, block, h);
        io.bias = bias + block * V;
        io.filters = packed + long(block) * c.window_taps() * V;
        T* const row = io.y;
        for (int left = y.extents.w; left > 0;) {
            const bool many = left >= kernels.pixels;
            const int count = many ? kernels.pixels : 1;
            (many ? kernels.of_many : kernels.of_one)(io);
            io.x += count * io.next;
            io.y += count * V;
            if (io.residual) io.residual += count * V;
            left -= count;
        }
        if (has_curve(then.act)) activate_row(then.act, row, y.extents.w);
        if (used != 0 && block == y.blocks() - 1) clear_row_lanes(row, used, y.extents.w);
    });
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
