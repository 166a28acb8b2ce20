// SPDX-License-Identifier: MIT
// Depthwise convolution: every channel by its own filter. Knows views, no other kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/pixels.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/tensor/crew.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Some pixels of one channel block of a depthwise convolution; see tile_io.
template <class T>
struct depthwise_io {
    const T* x = nullptr;
    const long* x_at = nullptr;
    T* y = nullptr;
    const long* y_at = nullptr;
    const T* residual = nullptr;
    const long* residual_at = nullptr;
    const T* bias = nullptr;
    const T* filters = nullptr;  ///< [kh][kw][V]
    int rows = 1, columns = 1;
    long row = 0, column = 0;
    bool relu = false;
};

/// y = bias + residual + sum over window rows and columns of x * filters for R pixels.
template <class T, int R>
void depthwise_tile(const depthwise_io<T>& io) {
    constexpr int V = lanes<T>;
    vec<T> acc[R];
    long at[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
        at[r] = io.x_at[r];
        acc[r] = load<T>(io.bias);
        if (io.residual) acc[r] += load<T>(io.residual + io.residual_at[r]);
    }
    const T *filter = io.filters, *row = io.x;
    for (int kh = 0; kh < io.rows; ++kh, row += io.row) {
        const T* p = row;
        for (int kw = 0; kw < io.columns; ++kw, p += io.column, filter += V) {
            const vec<T> w = load<T>(filter);
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) acc[r] += load<T>(p + at[r]) * w;
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
        if (io.relu) acc[r] = acc[r] < vec<T>{} ? vec<T>{} : acc[r];
        store<T>(io.y + io.y_at[r], acc[r]);
    }
}

template <class T>
using depthwise_kernel = void (*)(const depthwise_io<T>&);

/// [r - 1] computes r pixels.
template <class T, int... R>
constexpr std::array<depthwise_kernel<T>, sizeof...(R)> depthwise_kernels(
    std::integer_sequence<int, R...>) {
    return {depthwise_tile<T, R + 1>...};
}

/// conv2d for takes_depthwise(c).
template <class T>
void depthwise_conv2d(crew& queue, const convolution& c, input_view<T> x, const T* packed,
                      const T* bias, const epilogue<T>& then, const view<T>& y) {
    constexpr int V = lanes<T>, largest = 8, limit = 512;
    constexpr auto kernels = depthwise_kernels<T>(std::make_integer_sequence<int, largest>());
    constexpr long unit_products = 500'000;
    const taps &v = c.window.h, &u = c.window.w;
    const int x_block = (c.out_channels.lo - c.in_channels.lo) / V, h = y.extents.h,
              w = y.extents.w, used = y.extents.c % V;
    const pixel_strides x_pixels = strides_of(x, v.stride, u.stride), y_pixels = strides_of(y),
                        r_pixels = strides_of(then.residual);

    // A unit is some blocks of some pixels, of which offsets are kept.
    const tiling all(long(y.extents.n) * h * w, largest);
    const cutting parts(all.parts, ceil_div<long>(all.parts, limit / largest));
    const long products = all.count * c.window_taps() * y.blocks();
    const long wanted = queue.workers() == 1
                            ? 1
                            : std::clamp(products / unit_products * V, 1L, 16L * queue.workers());
    const cutting groups(y.blocks(), std::min<long>(y.blocks(), ceil_div(wanted, parts.parts)));
    queue.share(parts.parts * groups.parts, [&](long unit, int) {
        const long part = unit / groups.parts, group = unit % groups.parts;
        const long t0 = parts.begin(part), t1 = parts.begin(part + 1);
        const long begin = all.begin(t0), end = all.begin(t1);
        long x_at[limit], y_at[limit], r_at[limit];
        pixel_offsets(x_pixels, h, w, begin, end, x_at);
        pixel_offsets(y_pixels, h, w, begin, end, y_at);
        if (then.residual.data) pixel_offsets(r_pixels, h, w, begin, end, r_at);
        depthwise_io<T> io;
        io.rows = v.kernel;
        io.columns = u.kernel;
        io.row = v.dilation * x.stride_h;
        io.column = u.dilation * x.stride_w;
        io.relu = then.act.which == activation::kind::relu;
        for (long block = groups.begin(group); block < groups.begin(group + 1); ++block) {
            io.x = x.data + (x_block + block) * x.stride_c;
            io.y = y.data + block * y.stride_c;
            if (then.residual.data) {
                io.residual = then.residual.data + block * then.residual.stride_c;
            }
            io.bias = bias + block * V;
            io.filters = packed + block * c.window_taps() * V;
            for (long t = t0; t < t1; ++t) {
                const long p = all.begin(t) - begin, pixels = all.begin(t + 1) - begin - p;
                io.x_at = x_at + p;
                io.y_at = y_at + p;
                io.residual_at = r_at + p;
                kernels[pixels - 1](io);
            }
            if (is_applied_later(then.act)) {
                activate_pixels(then.act, io.y, y_at, end - begin, 0, 1);
            }
        }
        if (group + 1 < groups.parts || used == 0) return;
        clear_lanes(y.data + (y.blocks() - 1) * y.stride_c, used, y_at, end - begin);
    });
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
