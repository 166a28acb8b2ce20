// SPDX-License-Identifier: MIT
// Depthwise convolution: every channel by its own filter. Knows views, no other kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/tile/pixels.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/tensor/crew.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Where the rows of one channel block of a depthwise convolution lie, in x, y and the filters.
template <class T>
struct depthwise_io {
    const T* x = nullptr;  ///< the first pixel's first tap
    T* y = nullptr;
    const T* residual = nullptr;  ///< nullptr: none
    const T* bias = nullptr;
    const T* filters = nullptr;                   ///< [kh][kw][V]
    int height = 0, width = 0;                    ///< of y
    int rows = 1, columns = 1;                    ///< of the window
    long tap_row = 0, tap_column = 0;             ///< in x, from a tap to that below and beside
    long next = 0;                                ///< in x, from a pixel's taps to its neighbour's
    long x_row = 0, y_row = 0, residual_row = 0;  ///< from a row to the next
    bounds<T> within{};                           ///< of what is written
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
        vec<T> e = load<T>(x + j * V);
        MPAR_KEEP_IN_REGISTER(e);  // else gcc loads it again for each of them
#pragma GCC unroll 8
        for (int k = 0; k < K; ++k) {
            const int r = (j - k) / S;
            if (j >= k && r * S + k == j && r < R) sums[r] = multiply_add(e, w[k], sums[r]);
        }
    }
}

/// y = bias + residual + sum over window rows and columns of x * filters, between bounds, for the
/// columns of y from `first` on, R at a time while there are R. Windows are K x K with stride S, or
/// as io says where K = 0; sums have the same order. Returns the first column that is left.
template <class T, int R, int K, int S>
int depthwise_columns(const depthwise_io<T>& io, int first) {
    constexpr int V = lanes<T>;
    const int count = (io.width - first) / R;
    for (int h = 0; h < io.height; ++h) {
        const T* x = io.x + h * io.x_row + first * io.next;
        const T* residual = io.residual ? io.residual + h * io.residual_row + first * V : nullptr;
        T *y = io.y + h * io.y_row + first * V, *const end = y + count * (R * V);
        for (; y < end; y += R * V, x += R * io.next) {
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
                for (int i = 0; i < K; ++i, row += io.tap_row, filter += K * V) {
                    add_row<T, R, K, S>(sums, row, filter);
                }
            } else if constexpr (K > 0) {
                for (int i = 0; i < K; ++i, row += io.tap_row, filter += K * V) {
                    add_row<T, R, K, S>(sums, row, filter);
                }
            } else {
                for (int i = 0; i < io.rows; ++i, row += io.tap_row) {
                    const T* p = row;
                    for (int k = 0; k < io.columns; ++k, p += io.tap_column, filter += V) {
                        const vec<T> w = load<T>(filter);
#pragma GCC unroll 8
                        for (int r = 0; r < R; ++r) {
                            sums[r] = multiply_add(load<T>(p + r * io.next), w, sums[r]);
                        }
                    }
                }
            }
            if (io.within.any) {
                const vec<T> low = broadcast<T>(io.within.low);
                const vec<T> high = broadcast<T>(io.within.high);
#pragma GCC unroll 8
                for (int r = 0; r < R; ++r) sums[r] = bounded<T>(sums[r], low, high);
            }
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) store<T>(y + r * V, sums[r]);
        }
    }
    return first + count * R;
}

/// Computes all columns of a row. Widths of usual images are multiples of 7.
template <class T, int K, int S>
void depthwise_rows(const depthwise_io<T>& io) {
    const int done = depthwise_columns<T, 7, K, S>(io, 0);
    if (done < io.width) depthwise_columns<T, 1, K, S>(io, done);
}

/// The kernel for a window of this size and stride.
template <class T>
auto depthwise_kernel(const sliding& window) -> void (*)(const depthwise_io<T>&) {
    const taps& u = window.w;
    const bool is_square = window.h.kernel == u.kernel && u.dilation == 1;
    if (is_square && u.kernel == 3 && u.stride == 1) return depthwise_rows<T, 3, 1>;
    if (is_square && u.kernel == 3 && u.stride == 2) return depthwise_rows<T, 3, 2>;
    if (is_square && u.kernel == 5 && u.stride == 1) return depthwise_rows<T, 5, 1>;
    if (is_square && u.kernel == 5 && u.stride == 2) return depthwise_rows<T, 5, 2>;
    return depthwise_rows<T, 0, 0>;
}

/// Computes a range of rows of one block of channels. It is a struct with a name, since a closure's
/// symbol would spell the whole kernel's signature.
template <class T>
struct depthwise_range {
    const convolution& c;
    const view<const T>& x;
    const view<T>& y;
    const T *packed, *bias;
    const epilogue<T>& then;
    depthwise_io<T> io;  ///< but for what the range decides

    void operator()(int n, int block, range rows) const {
        constexpr int V = lanes<T>;
        const int x_block = (c.out_channels.lo - c.in_channels.lo) / V, used = y.extents.c % V;
        depthwise_io<T> part = io;
        part.height = rows.size();
        part.x = row_of(x, n, x_block + block, c.window.h.stride * rows.lo);
        part.y = row_of(y, n, block, rows.lo);
        if (then.residual.data) part.residual = row_of(then.residual, n, block, rows.lo);
        part.bias = bias + block * V;
        part.filters = packed + long(block) * c.window_taps() * V;
        depthwise_kernel<T>(c.window)(part);
        const bool padded = used != 0 && block == y.blocks() - 1, curved = has_curve(then.act);
        for (int h = 0; (padded || curved) && h < part.height; ++h) {
            if (curved) activate_row(then.act, part.y + h * io.y_row, io.width);
            if (padded) clear_row_lanes(part.y + h * io.y_row, used, io.width);
        }
    }
};

/// Calls f(n, block, rows) for bands of a few rows of y, shared by the crew. The layer before has
/// gone from the image's ends inwards, as a crew's members take units (one alone: from the top
/// down), and what it has written last is in the cache still: bands go the other way.
template <class T>
void for_each_band(crew& queue, const view<T>& y, const depthwise_range<T>& f) {
    constexpr int band_rows = 8;
    const cutting bands(y.extents.h, ceil_div(y.extents.h, band_rows));
    const long planes = y.blocks(), all = bands.parts;
    const long upper = queue.workers() == 1 ? all : all / 2;
    queue.share(y.extents.n * all * planes, [&](long unit, int) {
        const long turn = unit / planes % all;
        const long band = turn < upper ? upper - 1 - turn : all - 1 - (turn - upper);
        f(int(unit / planes / all), int(unit % planes),
          {int(bands.begin(band)), int(bands.begin(band + 1))});
    });
}

/// Does what conv2d does, for layers of which takes_depthwise(c) holds.
template <class T>
void depthwise_conv2d(crew& queue, const convolution& c, input_view<T> x, const T* packed,
                      const T* bias, const epilogue<T>& then, const view<T>& y) {
    const taps &v = c.window.h, &u = c.window.w;
    depthwise_range<T> work{c, x, y, packed, bias, then, {}};
    auto& io = work.io;
    io.width = y.extents.w;
    io.rows = v.kernel;
    io.columns = u.kernel;
    io.tap_row = v.dilation * x.stride_h;
    io.tap_column = u.dilation * lanes<T>;
    io.next = u.stride * lanes<T>;
    io.x_row = v.stride * x.stride_h;
    io.y_row = y.stride_h;
    io.residual_row = then.residual.stride_h;
    io.within = bounds<T>::of(then.act);
    for_each_band(queue, y, work);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
