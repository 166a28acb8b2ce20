// SPDX-License-Identifier: MIT
// Functions of single elements, and softmax over channels, by plain loops: the oracle. Any block.
#pragma once

#include <mpar/kernels/input_view.hpp>
#include <mpar/kernels/pad_lanes.hpp>
#include <mpar/kernels/reference/loops.hpp>
#include <mpar/tensor/activation.hpp>
#include <mpar/tensor/memory.hpp>

#include <cmath>
#include <limits>

namespace mpar::reference {

/// y = act(x * scale[c] + shift[c]); y may be x.
/// requires: scale and shift hold zeros up to the next block.
template <class T>
void affine(host_queue&, input_view<T> x, const T* scale, const T* shift, activation act,
            view<T> y) {
    for_each_index(y, [&](int n, int c, int h, int w) {
        y(n, c, h, w) = act(x(n, c, h, w) * scale[c] + shift[c]);
    });
    clear_pad_lanes(y);
}

/// y = act(x); y may be x.
template <class T>
void activate(host_queue&, input_view<T> x, activation act, view<T> y) {
    for_each_index(y,
                   [&](int n, int c, int h, int w) { y(n, c, h, w) = act(x(n, c, h, w)); });
    clear_pad_lanes(y);
}

/// y = act(a + b); y may be a or b.
template <class T>
void add(host_queue&, input_view<T> a, input_view<T> b, activation act, view<T> y) {
    for_each_index(y, [&](int n, int c, int h, int w) {
        y(n, c, h, w) = act(a(n, c, h, w) + b(n, c, h, w));
    });
    clear_pad_lanes(y);
}

/// y = act(a * b); y may be a. b has y's extents, or one row and column for all.
template <class T>
void multiply(host_queue&, input_view<T> a, input_view<T> b, activation act, view<T> y) {
    const bool is_gate = b.extents.h == 1 && b.extents.w == 1;
    for_each_index(y, [&](int n, int c, int h, int w) {
        y(n, c, h, w) = act(a(n, c, h, w) * (is_gate ? b(n, c, 0, 0) : b(n, c, h, w)));
    });
    clear_pad_lanes(y);
}

/// y[n, c, h, w] = exp(x[n, c, h, w] - m) / sum over c of the same, m the largest; y may be x.
template <class T>
void softmax(host_queue&, input_view<T> x, view<T> y) {
    const shape pixels{y.extents.n, y.extents.c > 0, y.extents.h, y.extents.w};
    for_each_index(pixels, [&](int n, int, int h, int w) {
        T largest = -std::numeric_limits<T>::infinity();
        double sum = 0;
        for (int c = 0; c < x.extents.c; ++c) largest = std::fmax(largest, x(n, c, h, w));
        for (int c = 0; c < x.extents.c; ++c) sum += std::exp(double(x(n, c, h, w)) - largest);
        for (int c = 0; c < x.extents.c; ++c) {
            y(n, c, h, w) = static_cast<T>(std::exp(double(x(n, c, h, w)) - largest) / sum);
        }
    });
    clear_pad_lanes(y);
}

}  // namespace mpar::reference
