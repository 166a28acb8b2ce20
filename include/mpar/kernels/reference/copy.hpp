// SPDX-License-Identifier: MIT
// Moving and checking elements by plain loops: the oracle. Any block, any strides.
#pragma once

#include <mpar/kernels/border.hpp>
#include <mpar/kernels/convert.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/kernels/pad_lanes.hpp>
#include <mpar/kernels/reference/loops.hpp>
#include <mpar/tensor/memory.hpp>

#include <cmath>

namespace mpar::reference {

/// y = x, each element converted, whatever the blocks and strides of the two.
/// requires: the same extents; no overlap.
template <class S, class D>
void copy(host_queue&, view<S> x, view<D> y) {
    for_each_index(y, [&](int n, int c, int h, int w) {
        y(n, c, h, w) = convert<D>(x(n, c, h, w));
    });
    clear_pad_lanes(y);
}

/// y[n, c, h, w] = x[n, c + shift, h, w] for the channels c of y that x has there; the others stay as
/// they are. The last block of y is filled up with zeros where its last channel is written.
/// requires: x and y have the same images, rows and columns; no overlap.
template <class T>
void copy_channels(host_queue&, input_view<T> x, int shift, view<T> y) {
    if (x.empty()) return;
    for_each_index(y, [&](int n, int c, int h, int w) {
        const int from = c + shift;
        if (0 <= from && from < x.extents.c) y(n, c, h, w) = x(n, from, h, w);
    });
    const int last = y.extents.c - 1 + shift;
    if (0 <= last && last < x.extents.c) clear_pad_lanes(y);
}

/// y = a part of x with `around` it, whose rows and columns lie in x as the lines say; no overlap.
template <class T>
void pad(host_queue&, const border& around, const border_line& rows, const border_line& columns,
         input_view<T> x, view<T> y) {
    for_each_index(y, [&](int n, int c, int h, int w) {
        const int i = rows.source(around.with, h), j = columns.source(around.with, w);
        y(n, c, h, w) = i < 0 || j < 0 ? T(around.value) : x(n, c, i, j);
    });
    clear_pad_lanes(y);
}

/// y[n, (c*H + h)*W + w, 0, 0] = x[n, c, h, w].
template <class T>
void flatten(host_queue&, input_view<T> x, view<T> y) {
    const shape& s = x.extents;
    for_each_index(s, [&](int n, int c, int h, int w) {
        y(n, (c * s.h + h) * s.w + w, 0, 0) = x(n, c, h, w);
    });
    clear_pad_lanes(y);
}

/// Zeroes what lies outside the rows and columns of `interior`, for all images and channels.
template <class T>
void clear_margin(host_queue&, view<T> all, const box& interior) {
    const auto inside = [](range r, int i) { return r.lo <= i && i < r.hi; };
    for_each_index(all, [&](int n, int c, int h, int w) {
        if (!inside(interior.h, h) || !inside(interior.w, w)) all(n, c, h, w) = T(0);
    });
    clear_pad_lanes(all);
}

/// False when an element is NaN or infinite. Waits for the queue.
template <class T>
bool finite(host_queue& queue, view<T> x) {
    queue.finish();
    bool result = true;
    for_each_index(x, [&](int n, int c, int h, int w) {
        result &= bool(std::isfinite(x(n, c, h, w)));
    });
    return result;
}

}  // namespace mpar::reference
