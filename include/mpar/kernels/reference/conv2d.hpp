// SPDX-License-Identifier: MIT
// Convolution and dense by plain loops, sums in double: the oracle. Any block; knows no vector.
#pragma once

#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/kernels/pad_lanes.hpp>
#include <mpar/kernels/reference/loops.hpp>
#include <mpar/tensor/memory.hpp>

#include <algorithm>

namespace mpar::reference {

/// How many elements this rank's packed filters take.
template <class T>
constexpr long packed_filters(const convolution& c) {
    return long(c.out_channels.size()) * c.in_per_group() * c.window_taps();
}

/// From filters[out_channels.size()][in/groups][kh][kw] to the order that conv2d and dense read.
template <class T>
void pack_filters(const T* filters, const convolution& c, T* packed) {
    std::copy_n(filters, packed_filters<T>(c), packed);
}

/// y = act(bias + residual + sum over input channels and window of x * filters). Channels of the
/// layer that x does not hold count as zero: y is then a partial sum.
/// requires: x and y hold c.in_channels and c.out_channels; x holds all rows and columns that y's
/// outputs read, padding included; bias has out_channels.size() elements up to the next block.
template <class T>
void conv2d(host_queue&, const convolution& c, input_view<T> x, const T* packed, const T* bias,
            const epilogue<T>& then, view<T> y, T* /*workspace*/ = nullptr) {
    const taps &v = c.window.h, &u = c.window.w;
    for_each_index(y, [&](int n, int o, int oh, int ow) {
        const int global = c.out_channels.lo + o;
        const range group = c.reads({global, global + 1});
        const range held = intersection(group, c.in_channels);
        double sum = bias[o];
        if (then.residual.data) sum += then.residual(n, o, oh, ow);
        for (int i = held.lo; i < held.hi; ++i) {
            const T* w = packed + (long(o) * group.size() + i - group.lo) * c.window_taps();
            for (int kh = 0; kh < v.kernel; ++kh) {
                const int row = v.stride * oh + v.dilation * kh;
                const T* p = &x(n, i - c.in_channels.lo, row, u.stride * ow);
                for (int kw = 0; kw < u.kernel; ++kw, p += u.dilation * x.stride_w) {
                    sum += double(*p) * *w++;
                }
            }
        }
        y(n, o, oh, ow) = static_cast<T>(then.act(sum));
    });
    clear_pad_lanes(y);
}

/// y[n] = act(bias + residual[n] + filters * x[n]) for images of one pixel.
template <class T>
void dense(host_queue& queue, const convolution& c, input_view<T> x, const T* packed,
           const T* bias, const epilogue<T>& then, view<T> y) {
    conv2d(queue, c, x, packed, bias, then, y);
}

}  // namespace mpar::reference
