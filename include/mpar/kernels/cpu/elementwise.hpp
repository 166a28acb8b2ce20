// SPDX-License-Identifier: MIT
// Functions of single elements by vectors of channels. Knows views, no other kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/tensor/activation.hpp>
#include <mpar/tensor/crew.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// y = act(x * scale[c] + shift[c]); y may be x.
/// requires: scale and shift hold zeros up to the next block.
template <class T>
void affine(crew& queue, input_view<T> x, const T* scale, const T* shift, activation act,
            view<T> y) {
    constexpr int V = lanes<T>;
    for_each_row(queue, y, 1, [&](int n, int block, int h) {
        const vec<T> a = load<T>(scale + block * V), b = load<T>(shift + block * V);
        const T* from = row_of(x, n, block, h);
        T* to = row_of(y, n, block, h);
        for (int w = 0; w < y.extents.w; ++w, from += V, to += V) {
            store<T>(to, apply<T>(act, multiply_add(load<T>(from), a, b)));
        }
    });
}

/// y = act(x); y may be x.
template <class T>
void activate(crew& queue, input_view<T> x, activation act, view<T> y) {
    constexpr int V = lanes<T>;
    for_each_row(queue, y, 1, [&](int n, int block, int h) {
        const T* from = row_of(x, n, block, h);
        T* to = row_of(y, n, block, h);
        for (int w = 0; w < y.extents.w; ++w, from += V, to += V) {
            store<T>(to, apply<T>(act, load<T>(from)));
        }
    });
}

/// y = act(a + b); y may be a or b.
template <class T>
void add(crew& queue, input_view<T> a, input_view<T> b, activation act, view<T> y) {
    constexpr int V = lanes<T>;
    for_each_row(queue, y, 1, [&](int n, int block, int h) {
        const T *p = row_of(a, n, block, h), *q = row_of(b, n, block, h);
        T* to = row_of(y, n, block, h);
        for (int w = 0; w < y.extents.w; ++w, p += V, q += V, to += V) {
            store<T>(to, apply<T>(act, load<T>(p) + load<T>(q)));
        }
    });
}

/// y = act(a * b); y may be a. b has y's extents, or one pixel that holds for all.
template <class T>
void multiply(crew& queue, input_view<T> a, input_view<T> b, activation act, view<T> y) {
    constexpr int V = lanes<T>;
    const bool is_gate = b.extents.h == 1 && b.extents.w == 1;
    for_each_row(queue, y, 1, [&](int n, int block, int h) {
        const T *p = row_of(a, n, block, h), *q = row_of(b, n, block, is_gate ? 0 : h);
        T* to = row_of(y, n, block, h);
        const long step = is_gate ? 0 : V;
        for (int w = 0; w < y.extents.w; ++w, p += V, q += step, to += V) {
            store<T>(to, apply<T>(act, load<T>(p) * load<T>(q)));
        }
    });
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
