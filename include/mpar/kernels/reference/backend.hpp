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
#include <utility>

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
    template <class... A>
    static auto pack_filters(A&&... a)
        -> decltype(mpar::reference::pack_filters(std::forward<A>(a)...)) {
        return mpar::reference::pack_filters(std::forward<A>(a)...);
    }
    template <class... A>
    static auto conv2d(A&&... a) -> decltype(mpar::reference::conv2d(std::forward<A>(a)...)) {
        return mpar::reference::conv2d(std::forward<A>(a)...);
    }
    template <class... A>
    static auto dense(A&&... a) -> decltype(mpar::reference::dense(std::forward<A>(a)...)) {
        return mpar::reference::dense(std::forward<A>(a)...);
    }
    template <class... A>
    static auto max_pool(A&&... a) -> decltype(mpar::reference::max_pool(std::forward<A>(a)...)) {
        return mpar::reference::max_pool(std::forward<A>(a)...);
    }
    template <class... A>
    static auto avg_pool(A&&... a) -> decltype(mpar::reference::avg_pool(std::forward<A>(a)...)) {
        return mpar::reference::avg_pool(std::forward<A>(a)...);
    }
    template <class... A>
    static auto row_sums(A&&... a) -> decltype(mpar::reference::row_sums(std::forward<A>(a)...)) {
        return mpar::reference::row_sums(std::forward<A>(a)...);
    }
    template <class... A>
    static auto mean_rows(A&&... a) -> decltype(mpar::reference::mean_rows(std::forward<A>(a)...)) {
        return mpar::reference::mean_rows(std::forward<A>(a)...);
    }
    template <class... A>
    static auto affine(A&&... a) -> decltype(mpar::reference::affine(std::forward<A>(a)...)) {
        return mpar::reference::affine(std::forward<A>(a)...);
    }
    template <class... A>
    static auto activate(A&&... a) -> decltype(mpar::reference::activate(std::forward<A>(a)...)) {
        return mpar::reference::activate(std::forward<A>(a)...);
    }
    template <class... A>
    static auto add(A&&... a) -> decltype(mpar::reference::add(std::forward<A>(a)...)) {
        return mpar::reference::add(std::forward<A>(a)...);
    }
    template <class... A>
    static auto multiply(A&&... a) -> decltype(mpar::reference::multiply(std::forward<A>(a)...)) {
        return mpar::reference::multiply(std::forward<A>(a)...);
    }
    template <class... A>
    static auto pad(A&&... a) -> decltype(mpar::reference::pad(std::forward<A>(a)...)) {
        return mpar::reference::pad(std::forward<A>(a)...);
    }
    template <class... A>
    static auto softmax(A&&... a) -> decltype(mpar::reference::softmax(std::forward<A>(a)...)) {
        return mpar::reference::softmax(std::forward<A>(a)...);
    }
    template <class... A>
    static auto copy(A&&... a) -> decltype(mpar::reference::copy(std::forward<A>(a)...)) {
        return mpar::reference::copy(std::forward<A>(a)...);
    }
    template <class... A>
    static auto copy_channels(A&&... a)
        -> decltype(mpar::reference::copy_channels(std::forward<A>(a)...)) {
        return mpar::reference::copy_channels(std::forward<A>(a)...);
    }
    template <class... A>
    static auto flatten(A&&... a) -> decltype(mpar::reference::flatten(std::forward<A>(a)...)) {
        return mpar::reference::flatten(std::forward<A>(a)...);
    }
    template <class... A>
    static auto clear_margin(A&&... a)
        -> decltype(mpar::reference::clear_margin(std::forward<A>(a)...)) {
        return mpar::reference::clear_margin(std::forward<A>(a)...);
    }
    template <class... A>
    static auto finite(A&&... a) -> decltype(mpar::reference::finite(std::forward<A>(a)...)) {
        return mpar::reference::finite(std::forward<A>(a)...);
    }
};

static_assert(backend_type<reference> && backend_for<reference, double>);

}  // namespace mpar::backend
