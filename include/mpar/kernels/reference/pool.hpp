// SPDX-License-Identifier: MIT
// Pools by plain loops, sums in double: the oracle. Any block; knows no vector.
#pragma once

#include <mpar/kernels/clip.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/kernels/pad_lanes.hpp>
#include <mpar/kernels/reference/loops.hpp>
#include <mpar/tensor/memory.hpp>

#include <limits>

namespace mpar::reference {

/// y = the largest element of each window that is no padding; NaN if one is NaN, 0 if none is left.
template <class T>
void max_pool(host_queue&, const sliding& window, const clip& padding, input_view<T> x, view<T> y) {
    const range rows = padding.rows(x.extents.h), columns = padding.columns(x.extents.w);
    for_each_index(y, [&](int n, int c, int oh, int ow) {
        const int top = window.h.stride * oh, left = window.w.stride * ow;
        const range kh = taps_inside(window.h, top, rows);
        const range kw = taps_inside(window.w, left, columns);
        T best = kh.empty() || kw.empty() ? T(0) : -std::numeric_limits<T>::infinity();
        for (int i = kh.lo; i < kh.hi; ++i) {
            for (int j = kw.lo; j < kw.hi; ++j) {
                const T e = x(n, c, top + window.h.dilation * i, left + window.w.dilation * j);
                if (e > best || e != e) best = e;
            }
        }
        y(n, c, oh, ow) = best;
    });
    clear_pad_lanes(y);
}

/// y = the mean of each window's elements that are no padding, over all its taps when padding
/// counts (as zero), else over those elements; 0 if there is none.
template <class T>
void avg_pool(host_queue&, const sliding& window, const clip& padding, bool count_padding,
              input_view<T> x, view<T> y) {
    const range rows = padding.rows(x.extents.h), columns = padding.columns(x.extents.w);
    for_each_index(y, [&](int n, int c, int oh, int ow) {
        const int top = window.h.stride * oh, left = window.w.stride * ow;
        const range kh = taps_inside(window.h, top, rows);
        const range kw = taps_inside(window.w, left, columns);
        double sum = 0;
        for (int i = kh.lo; i < kh.hi; ++i) {
            for (int j = kw.lo; j < kw.hi; ++j) {
                sum += x(n, c, top + window.h.dilation * i, left + window.w.dilation * j);
            }
        }
        const int inside = kh.size() * kw.size();
        const int divisor = count_padding ? window.h.kernel * window.w.kernel : inside;
        y(n, c, oh, ow) = inside == 0 ? T(0) : static_cast<T>(sum / divisor);
    });
    clear_pad_lanes(y);
}

/// y[n, c, h, 0] = sum over w of x[n, c, h, w], w ascending.
template <class T>
void row_sums(host_queue&, input_view<T> x, view<T> y) {
    for_each_index(y, [&](int n, int c, int h, int) {
        T sum = 0;
        for (int w = 0; w < x.extents.w; ++w) sum += x(n, c, h, w);
        y(n, c, h, 0) = sum;
    });
    clear_pad_lanes(y);
}

/// y[n, c, 0, 0] = (sum over h of x[n, c, h, 0], h ascending) / divisor. After row_sums: the mean
/// of the image, whatever ranks its rows came from.
template <class T>
void mean_rows(host_queue&, double divisor, input_view<T> x, view<T> y) {
    for_each_index(y, [&](int n, int c, int, int) {
        T sum = 0;
        for (int h = 0; h < x.extents.h; ++h) sum += x(n, c, h, 0);
        y(n, c, 0, 0) = sum / static_cast<T>(divisor);
    });
    clear_pad_lanes(y);
}

}  // namespace mpar::reference
