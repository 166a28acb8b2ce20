// SPDX-License-Identifier: MIT
// Pools by vectors of channels. Knows views, no other kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/clip.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/tensor/crew.hpp>

#include <limits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// The fold of max_pool: NaN wins and stays.
template <class T>
struct largest {
    static vec<T> begin() { return broadcast(-std::numeric_limits<T>::infinity()); }
    static vec<T> fold(const vec<T>& best, const vec<T>& e) {
        return ((e > best) | (e != e)) ? e : best;
    }
    static vec<T> end(const vec<T>& best, int) { return best; }
};

/// The fold of avg_pool; `taps` is what to divide by, 0: the number of elements.
template <class T>
struct mean {
    int taps = 0;

    static vec<T> begin() { return vec<T>{}; }
    static vec<T> fold(const vec<T>& sum, const vec<T>& e) { return sum + e; }
    vec<T> end(const vec<T>& sum, int count) const { return sum / T(taps ? taps : count); }
};

/// Folds one row of windows, of which the rows `kh` are taken. The first window begins at `from`.
template <class T, class Fold>
void pool_row(const sliding& window, range kh, range columns, const T* from, long stride_h, T* to,
              int outputs, const Fold& f) {
    constexpr int V = lanes<T>;
    const taps &v = window.h, &u = window.w;
    for (int ow = 0; ow < outputs; ++ow, to += V) {
        const range kw = taps_inside(u, u.stride * ow, columns);
        vec<T> sum = f.begin();
        for (int i = kh.lo; i < kh.hi; ++i) {
            const T* p =
                from + i * v.dilation * stride_h + long(u.stride * ow + kw.lo * u.dilation) * V;
            for (int j = kw.lo; j < kw.hi; ++j, p += u.dilation * V) sum = f.fold(sum, load<T>(p));
        }
        const int count = kh.size() * kw.size();
        store<T>(to, count == 0 ? vec<T>{} : f.end(sum, count));
    }
}

/// Computes a row of outputs. It is a struct with a name, since a closure's symbol would spell the
/// whole kernel's signature.
template <class T, class Fold>
struct pool_rows {
    const sliding& window;
    const clip& padding;
    const view<const T>& x;
    const view<T>& y;
    const Fold& f;

    void operator()(int n, int block, int oh) const {
        const int first = window.h.stride * oh;
        pool_row(window, taps_inside(window.h, first, padding.rows(x.extents.h)),
                 padding.columns(x.extents.w), row_of(x, n, block, first), x.stride_h,
                 row_of(y, n, block, oh), y.extents.w, f);
    }
};

/// y = f's fold over each window's elements that are no padding, row after row; 0 where there is
/// none.
template <class T, class Fold>
void pool(crew& queue, const sliding& window, const clip& padding, input_view<T> x,
          const view<T>& y, const Fold& f) {
    for_each_row(queue, y, window.h.kernel * window.w.kernel,
                 pool_rows<T, Fold>{window, padding, x, y, f});
}

/// y = the largest element of each window that is no padding; NaN if one is NaN, 0 if none is left.
template <class T>
void max_pool(crew& queue, const sliding& window, const clip& padding, input_view<T> x, view<T> y) {
    pool<T>(queue, window, padding, x, y, largest<T>{});
}

/// y = the mean of each window's elements that are no padding, over all its taps when padding
/// counts (as zero), else over those elements; 0 if there is none.
template <class T>
void avg_pool(crew& queue, const sliding& window, const clip& padding, bool count_padding,
              input_view<T> x, view<T> y) {
    const int taps = window.h.kernel * window.w.kernel;
    pool<T>(queue, window, padding, x, y, mean<T>{count_padding ? taps : 0});
}

/// y[n, c, h, 0] = sum over w of x[n, c, h, w], w ascending.
template <class T>
void row_sums(crew& queue, input_view<T> x, view<T> y) {
    for_each_row(queue, y, x.extents.w, [&](int n, int block, int h) {
        const T* from = row_of(x, n, block, h);
        vec<T> sum{};
        for (int w = 0; w < x.extents.w; ++w, from += lanes<T>) sum += load<T>(from);
        store<T>(row_of(y, n, block, h), sum);
    });
}

/// y[n, c, 0, 0] = (sum over h of x[n, c, h, 0], h ascending) / divisor. After row_sums: the mean
/// of the image, whatever ranks its rows came from.
template <class T>
void mean_rows(crew& queue, double divisor, input_view<T> x, view<T> y) {
    for_each_row(queue, y, x.extents.h, [&](int n, int block, int) {
        vec<T> sum{};
        for (int h = 0; h < x.extents.h; ++h) sum += load<T>(row_of(x, n, block, h));
        store<T>(row_of(y, n, block, 0), sum / static_cast<T>(divisor));
    });
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
