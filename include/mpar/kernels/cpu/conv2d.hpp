// SPDX-License-Identifier: MIT
// Convolution and dense by register tiles over packed filters. Knows views, no net and no rank.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/depthwise.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/panels.hpp>
#include <mpar/kernels/cpu/pixels.hpp>
#include <mpar/kernels/cpu/steps.hpp>
#include <mpar/kernels/cpu/tile.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/kernels/pad_lanes.hpp>
#include <mpar/tensor/crew.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Sizes that the caches ask for. None of them changes a bit of a result.
struct blocking {
    /// Pixels of a tile: its sums, two filter vectors and a pixel fill the registers.
    static constexpr int tile_pixels = MPAR_VECTOR_BYTES == 64   ? 14
                                       : MPAR_VECTOR_BYTES == 32 ? 6
                                                                 : 5;
    static constexpr int block_pixels = 512;         ///< at most, of which offsets are kept
    static constexpr long panel_bytes = 16 * 1024;   ///< filters that stay in L1 while tiles run
    static constexpr long input_bytes = 384 * 1024;  ///< of a block's pixels, to stay in L2
};

template <class T>
using tile_kernel = void (*)(const tile_io<T>&);

/// [r - 1] computes r pixels of a panel of NV vectors.
template <class T, int NV, int... R>
constexpr std::array<tile_kernel<T>, sizeof...(R)> tile_kernels(std::integer_sequence<int, R...>) {
    return {tile<T, R + 1, NV>...};
}

/// The offsets of a block of pixels in x, y and the residual.
struct pixel_block {
    long x[blocking::block_pixels], y[blocking::block_pixels], residual[blocking::block_pixels];
};

/// All pixels of a block, cut into tiles, of one panel.
template <class T>
void run_panel(const convolution& c, const panel& p, const pixel_block& pixels, const tiling& cut,
               input_view<T> x, const T* packed, const T* bias, const epilogue<T>& then,
               const view<T>& y) {
    constexpr int V = lanes<T>, line = 64 / int(sizeof(T));
    constexpr auto sizes = std::make_integer_sequence<int, blocking::tile_pixels>();
    constexpr std::array kernels{tile_kernels<T, 1>(sizes), tile_kernels<T, 2>(sizes)};

    step_list<T> list(c.window, p.in, x.stride_c, x.stride_h, x.stride_w);
    const long width = p.vectors * V, all = long(p.in.size()) * c.window_taps();
    const long fit = blocking::panel_bytes / (width * long(sizeof(T)));
    const long part = ceil_div(all, std::max(1L, (all + fit / 2) / fit));

    tile_io<T> io;
    io.steps = list.steps;
    io.x = x.data;
    io.y = y.data + p.block * y.stride_c;
    io.y_block = y.stride_c;
    io.bias = bias + p.block * V;
    io.filters = packed + p.filters;
    if (then.residual.data) {
        io.residual = then.residual.data + p.block * then.residual.stride_c;
        io.residual_block = then.residual.stride_c;
    }
    do {
        list.next(part);
        io.step_count = list.step_count;
        io.relu = list.done() && then.act.which == activation::kind::relu;
        const T* const next = io.filters + list.products * width;
        for (long t = 0; t < cut.tiles; ++t) {
            const long begin = cut.begin(t), count = cut.begin(t + 1) - begin;
            io.x_at = pixels.x + begin;
            io.y_at = pixels.y + begin;
            io.residual_at = pixels.residual + begin;
            const bool fetches = t * line < width;  // the next part's filters, by the first tiles
            io.ahead = fetches ? next + t * list.products * line : next;
            io.ahead_step = fetches ? line : 0;
            kernels[p.vectors - 1][count - 1](io);
            if (list.done() && is_applied_later(then.act)) {
                activate_pixels(then.act, io.y, io.y_at, count, io.y_block, p.vectors);
            }
        }
        io.bias = nullptr;
        io.residual = nullptr;
        io.filters = next;
    } while (!list.done());
}

/// y = act(bias + residual + sum over input channels and window of x * filters). Channels of the
/// layer that x does not hold count as zero: y is then a partial sum.
/// requires: x and y hold c.in_channels and c.out_channels in blocks of V; x holds all rows and
/// columns that y's outputs read, padding included; bias has zeros up to the next block.
template <class T>
void conv2d(crew&, const convolution& c, input_view<T> x, const T* packed, const T* bias,
            const epilogue<T>& then, view<T> y, [[maybe_unused]] T* workspace = nullptr) {
    if (y.empty()) return;
    if (takes_depthwise(c)) {
        depthwise_conv2d(c, x, packed, bias, then, y);
        return clear_pad_lanes(y);
    }
    constexpr int largest = blocking::tile_pixels;
    const int stride_h = c.window.h.stride, stride_w = c.window.w.stride;
    const int h = y.extents.h, w = y.extents.w;
    const pixel_strides x_pixels = strides_of(x, stride_h, stride_w), y_pixels = strides_of(y),
                        r_pixels = strides_of(then.residual);

    // Tiles are balanced over all pixels; a block of them has its inputs in L2.
    const tiling all(long(y.extents.n) * h * w, largest);
    const long bytes = long(sizeof(T)) * std::max(1, c.in_channels.size()) * stride_h * stride_w;
    const long fit = std::clamp<long>(blocking::input_bytes / bytes, 4 * largest,
                                      blocking::block_pixels);
    const tiling blocks(all.tiles, int(fit / largest));
    pixel_block pixels;
    for (long b = 0; b < blocks.tiles; ++b) {
        const long begin = all.begin(blocks.begin(b)), end = all.begin(blocks.begin(b + 1));
        pixel_offsets(x_pixels, h, w, begin, end, pixels.x);
        pixel_offsets(y_pixels, h, w, begin, end, pixels.y);
        if (then.residual.data) pixel_offsets(r_pixels, h, w, begin, end, pixels.residual);
        const tiling cut(end - begin, largest);
        for_each_panel<T>(c, [&](const panel& p) {
            run_panel(c, p, pixels, cut, x, packed, bias, then, y);
        });
    }
    clear_pad_lanes(y);
}

/// y[n] = act(bias + residual[n] + filters * x[n]) for images of one pixel: these are the pixels.
template <class T>
void dense(crew& queue, const convolution& c, input_view<T> x, const T* packed,
           const T* bias, const epilogue<T>& then, view<T> y) {
    conv2d<T>(queue, c, x, packed, bias, then, y, nullptr);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
