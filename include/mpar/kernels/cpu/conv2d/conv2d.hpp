// SPDX-License-Identifier: MIT
// Convolution and dense: by the sum, or channel by channel. Knows views, no net and no rank.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/conv2d/depthwise.hpp>
#include <mpar/kernels/cpu/conv2d/direct_sum.hpp>
#include <mpar/kernels/cpu/tile/panels.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/tensor/crew.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Whether the pixels of a pointwise convolution are first laid side by side, as they are few of x's: the
/// lines of x hold others too, which would fill the cache, and panels are many.
template <class T>
constexpr bool gathers_pixels(const convolution& c) {
    const taps &h = c.window.h, &w = c.window.w;
    return c.window_taps() == 1 && c.groups == 1 && (h.stride > 1 || w.stride > 1) &&
           c.in_channels.size() >= 2 * lanes<T> && c.out_channels.size() >= 4 * lanes<T>;
}

/// Copies the pixels of x that y's outputs read to `to`, in blocks.
template <class T>
void gather_pixels(crew& queue, const sliding& window, const view<const T>& x, const view<T>& to) {
    constexpr int V = lanes<T>;
    const long step = window.w.stride * x.stride_w;
    for_each_row(queue, to, 1, [&](int n, int block, int h) {
        const T* from = row_of(x, n, block, window.h.stride * h);
        T* at = row_of(to, n, block, h);
        for (int w = 0; w < to.extents.w; ++w, from += step, at += V) store<T>(at, load<T>(from));
    });
}

/// How many elements conv2d needs besides: corrections of y's pixels, and pixels laid side by side.
template <class T>
long sum_workspace(const convolution& c, const shape& y) {
    const long pixels = long(y.n) * y.h * y.w;
    const shape gathered{y.n, c.in_channels.size(), y.h, y.w};
    return (takes_pairs<T>(c) ? round_up(pixels, long(lanes<T>)) : 0) +
           (gathers_pixels<T>(c) ? storage(gathered, lanes<T>) : 0);
}

/// y = act(bias + residual + sum over input channels and window of x * filters). Channels of the
/// layer that x does not hold count as zero: y is then a partial sum.
/// requires: x and y hold c.in_channels and c.out_channels in blocks of V; x holds all rows and
/// columns that y's outputs read, padding included; bias has zeros up to the next block;
/// sum_workspace() elements at `workspace`.
template <class T>
void conv2d(crew& queue, const convolution& c, input_view<T> x, const T* packed, const T* bias,
            const epilogue<T>& then, view<T> y, T* workspace = nullptr) {
    if (y.empty()) return;
    if (takes_depthwise(c)) return depthwise_conv2d(queue, c, x, packed, bias, then, y);
    convolution sum = c;
    view<const T> inputs = x;
    if (gathers_pixels<T>(c) && x.block == lanes<T>) {
        const shape& s = y.extents;
        sum.window.h.stride = sum.window.w.stride = 1;
        const long pixels = long(s.n) * s.h * s.w;
        T* const room = workspace + (takes_pairs<T>(c) ? round_up(pixels, long(lanes<T>)) : 0);
        const view<T> gathered = dense_view(room, {s.n, x.extents.c, s.h, s.w}, lanes<T>);
        gather_pixels<T>(queue, c.window, x, gathered);
        inputs = gathered;
    }
    const direct_sum<T> work(sum, inputs, packed, bias, then, y, workspace, queue.workers());
    work.prepare(queue);
    queue.share(work.units(), work);
}

/// y[n] = act(bias + residual[n] + filters * x[n]) for images of one pixel: these are the pixels.
template <class T>
void dense(crew& queue, const convolution& c, input_view<T> x, const T* packed, const T* bias,
           const epilogue<T>& then, view<T> y) {
    conv2d<T>(queue, c, x, packed, bias, then, y, nullptr);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
