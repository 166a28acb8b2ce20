// SPDX-License-Identifier: MIT
// The plain-loop kernels as one type, for templates over backends. Knows no net.
#pragma once

#include <mpar/kernels/backend.hpp>
#include <mpar/kernels/reference/conv2d.hpp>
#include <mpar/kernels/reference/copy.hpp>
#include <mpar/kernels/reference/elementwise.hpp>
#include <mpar/kernels/reference/pool.hpp>
#include <mpar/tensor/memory.hpp>

#include <string>
#include <string_view>

namespace mpar::backend {

/// Plain loops in the order of the formulas: what other backends are compared with.
struct reference {
    using memory = host_memory;
    using staging = host_memory;
    using queue = host_queue;

    static constexpr std::string_view name = "reference";
    static std::string isa() { return "plain loops"; }

    template <class T>
    static constexpr int block = 1;

    template <class T>
    static constexpr int winograd_tile(const convolution&, const shape&) {
        return 0;
    }
    template <class T>
    static long workspace(const convolution&, const shape&, int) {
        return 0;
    }
    template <class T>
    static long packed_filters(const convolution& c) {
        return mpar::reference::packed_filters<T>(c);
    }
    template <class T>
    static void pack_filters(const T* filters, const convolution& c, T* packed) {
        mpar::reference::pack_filters<T>(filters, c, packed);
    }
    template <class T>
    static void conv2d(host_queue& queue, const convolution& c, input_view<T> x, const T* packed,
                       const T* bias, const epilogue<T>& then, const view<T>& y, T* = nullptr) {
        mpar::reference::conv2d<T>(queue, c, x, packed, bias, then, y);
    }
    template <class T>
    static void dense(host_queue& queue, const convolution& c, input_view<T> x, const T* packed,
                      const T* bias, const epilogue<T>& then, const view<T>& y) {
        mpar::reference::dense<T>(queue, c, x, packed, bias, then, y);
    }
    template <class T>
    static void max_pool(host_queue& queue, const sliding& window, const clip& padding,
                         input_view<T> x, const view<T>& y) {
        mpar::reference::max_pool<T>(queue, window, padding, x, y);
    }
    template <class T>
    static void avg_pool(host_queue& queue, const sliding& window, const clip& padding,
                         bool count_padding, input_view<T> x, const view<T>& y) {
        mpar::reference::avg_pool<T>(queue, window, padding, count_padding, x, y);
    }
    template <class T>
    static void row_sums(host_queue& queue, input_view<T> x, const view<T>& y) {
        mpar::reference::row_sums<T>(queue, x, y);
    }
    template <class T>
    static void mean_rows(host_queue& queue, double divisor, input_view<T> x, const view<T>& y) {
        mpar::reference::mean_rows<T>(queue, divisor, x, y);
    }
    template <class T>
    static void affine(host_queue& queue, input_view<T> x, const T* scale, const T* shift,
                       const activation& act, const view<T>& y) {
        mpar::reference::affine<T>(queue, x, scale, shift, act, y);
    }
    template <class T>
    static void activate(host_queue& queue, input_view<T> x, const activation& act,
                         const view<T>& y) {
        mpar::reference::activate<T>(queue, x, act, y);
    }
    template <class T>
    static void add(host_queue& queue, input_view<T> a, input_view<T> b, const activation& act,
                    const view<T>& y) {
        mpar::reference::add<T>(queue, a, b, act, y);
    }
    template <class T>
    static void multiply(host_queue& queue, input_view<T> a, input_view<T> b, const activation& act,
                         const view<T>& y) {
        mpar::reference::multiply<T>(queue, a, b, act, y);
    }
    template <class T>
    static void pad(host_queue& queue, const border& around, const border_line& rows,
                    const border_line& columns, input_view<T> x, const view<T>& y) {
        mpar::reference::pad<T>(queue, around, rows, columns, x, y);
    }
    template <class T>
    static void softmax(host_queue& queue, input_view<T> x, const view<T>& y) {
        mpar::reference::softmax<T>(queue, x, y);
    }
    template <class From, class To>
    static void copy(host_queue& queue, const view<From>& x, const view<To>& y) {
        mpar::reference::copy<From, To>(queue, x, y);
    }
    template <class T>
    static void copy_channels(host_queue& queue, input_view<T> x, int shift, const view<T>& y) {
        mpar::reference::copy_channels<T>(queue, x, shift, y);
    }
    template <class T>
    static void flatten(host_queue& queue, input_view<T> x, const view<T>& y) {
        mpar::reference::flatten<T>(queue, x, y);
    }
    template <class T>
    static void clear_margin(host_queue& queue, const view<T>& all, const box& interior) {
        mpar::reference::clear_margin<T>(queue, all, interior);
    }
    template <class T>
    static bool finite(host_queue& queue, const view<T>& x) {
        return mpar::reference::finite<T>(queue, x);
    }
};

static_assert(backend_type<reference> && backend_for<reference, double>);

}  // namespace mpar::backend
