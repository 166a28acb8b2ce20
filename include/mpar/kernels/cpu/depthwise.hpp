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

/// A row of one channel block of a depthwise convolution, or some of its pixels.
template <class T>
struct depthwise_io {
    const T* x = nullptr;  ///< the first pixel's first tap
    T* y = nullptr;
    const T* residual = nullptr;  ///< nullptr: none
    const T* bias = nullptr;
    const T* filters = nullptr;      ///< [kh][kw][V]
    int rows = 1, columns = 1;       ///< of the window
    long row = 0, column = 0;        ///< in x, from a tap to the one below and beside it
    long next = 0;                   ///< in x, from a pixel's taps to its neighbour's
    bounds<T> within{};              ///< of what is written
};

/// sums += the products of R neighbours, whose first tap is at x, with one row of a window of K
/// columns and stride S. An input is loaded once for all that read it.
template <class T, int R, int K, int S>
MPAR_ALWAYS_INLINE void add_row(vec<T> (&sums)[R], const T* x, const T* filter) {
    constexpr int V = lanes<T>;
    vec<T> w[K];
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) w[k] = load<T>(filter + k * V);
#pragma GCC unroll 32
    for (int j = 0; j < (R - 1) * S + K; ++j) {
        const vec<T> e = load<T>(x + j * V);
#pragma GCC unroll 8
        for (int k = 0; k < K; ++k) {
            const int r = (j - k) / S;
            if (j >= k && r * S + k == j && r < R) sums[r] += e * w[k];
        }
    }
}

/// y = bias + residual + sum over window rows and columns of x * filters, between bounds, for
/// `count` times R neighbours. Windows are K x K with stride S, or as io says where K = 0; sums have
/// the same order.
template <class T, int R, int K, int S>
void depthwise_pixels(const depthwise_io<T>& io, int count) {
    constexpr int V = lanes<T>;
    const T *x = io.x, *residual = io.residual;
    T* y = io.y;
    for (; count > 0; --count, x += R * io.next, y += R * V) {
        vec<T> sums[R];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sums[r] = load<T>(io.bias);
        if (residual) {
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) sums[r] += load<T>(residual + r * V);
            residual += R * V;
        }
        const T *filter = io.filters, *row = x;
        if constexpr (K == 3) {  // its filters may stay in registers
#pragma GCC unroll 3
            for (int i = 0; i < K; ++i, row += io.row, filter += K * V) {
                add_row<T, R, K, S>(sums, row, filter);
            }
        } else if constexpr (K > 0) {
            for (int i = 0; i < K; ++i, row += io.row, filter += K * V) {
                add_row<T, R, K, S>(sums, row, filter);
            }
        } else {
            for (int i = 0; i < io.rows; ++i, row += io.row) {
                const T* p = row;
                for (int k = 0; k < io.columns; ++k, p += io.column, filter += V) {
                    const vec<T> w = load<T>(filter);
#pragma GCC unroll 8
                    for (int r = 0; r < R; ++r) sums[r] += load<T>(p + r * io.next) * w;
                }
            }
        }
        if (io.within.any) {
            const vec<T> low = broadcast<T>(io.within.low), high = broadcast<T>(io.within.high);
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) sums[r] = bounded<T>(sums[r], low, high);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) store<T>(y + r * V, sums[r]);
    }
}

/// Kernels of one window, for a row of any length. Widths of usual images are multiples of 7.
template <class T>
struct depthwise_kernels {
    using kernel = void (*)(const depthwise_io<T>&, int);
    static constexpr int pixels = 7;
    kernel of_many, of_one;

    template <int K, int S>
    static constexpr depthwise_kernels make() {
        return {depthwise_pixels<T, pixels, K, S>, depthwise_pixels<T, 1, K, S>};
    }
    static depthwise_kernels of(const sliding& window) {
        const taps& u = window.w;
        const bool is_square = window.h.kernel == u.kernel && u.dilation == 1;
        if (is_square && u.kernel == 3 && u.stride == 1) return make<3, 1>();
        if (is_square && u.kernel == 3 && u.stride == 2) return make<3, 2>();
        if (is_square && u.kernel == 5 && u.stride == 1) return make<5, 1>();
        if (is_square && u.kernel == 5 && u.stride == 2) return make<5, 2>();
        return make<0, 0>();
    }

    void run(const depthwise_io<T>& row, int count) const {
        const int many = count / pixels, done = many * pixels;
        if (many > 0) of_many(row, many);
        if (done == count) return;
        depthwise_io<T> rest = row;
        rest.x += done * rest.next;
        rest.y += done * lanes<T>;
        if (rest.residual) rest.residual += done * lanes<T>;
        of_one(rest, count - done);
    }
};

/// conv2d for takes_depthwise(c).
template <class T>
void depthwise_conv2d(crew& queue, const convolution& c, input_view<T> x, const T* packed,
                      const T* bias, const epilogue<T>& then, const view<T>& y) {
    constexpr int V = lanes<T>;
    const taps &v = c.window.h, &u = c.window.w;
    const auto kernels = depthwise_kernels<T>::of(c.window);
    const int x_block = (c.out_channels.lo - c.in_channels.lo) / V, used = y.extents.c % V;
    depthwise_io<T> all;
    all.rows = v.kernel;
    all.columns = u.kernel;
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
        kernels.run(io, y.extents.w);
        if (has_curve(then.act)) activate_row(then.act, io.y, y.extents.w);
        if (used != 0 && block == y.blocks() - 1) clear_row_lanes(io.y, used, y.extents.w);
    });
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
