// SPDX-License-Identifier: MIT
// The vector kernels as one type, for templates over backends. Knows no net.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/backend.hpp>
#include <mpar/kernels/cpu/conv2d/conv2d.hpp>
#include <mpar/kernels/cpu/copy.hpp>
#include <mpar/kernels/cpu/elementwise.hpp>
#include <mpar/kernels/cpu/pad.hpp>
#include <mpar/kernels/cpu/pool.hpp>
#include <mpar/kernels/cpu/softmax.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/cpu/winograd/winograd.hpp>
#include <mpar/kernels/granularity.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/tensor/crew.hpp>
#include <mpar/tensor/memory.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mpar::backend::inline MPAR_ISA_NAMESPACE {

/// Vectors of the ISA that the user's flags allow.
struct cpu {
    using memory = host_memory;
    using staging = host_memory;
    using queue = crew;  ///< of one rank, or of all that share its memory

    static constexpr std::string_view name = "cpu";
    static std::string isa() { return MPAR_ISA; }

    template <class T>
    static constexpr int block = mpar::cpu::lanes<T>;
    template <class T>
    static constexpr int image_block = std::min(4, mpar::cpu::lanes<T>);
    static constexpr long cache_bytes = 32L << 20;  ///< of a usual last level
    /// Some 0.3 ms of work between two looks, in no fewer pixels than a kernel takes at full speed; a
    /// kernel on a narrow edge is slow.
    static constexpr granularity divides{.flops_between_looks = 40'000'000,
                                         .pixels_between_looks = 1024,
                                         .spans_of_middle = 3,
                                         .columns_of_middle = 2,
                                         .parts_each = 8};

    template <class T>
    static constexpr int winograd_tile(const convolution& layer, const shape& y) {
        return mpar::cpu::winograd_tile<T>(layer, y);
    }
    template <class T>
    static long workspace(const convolution& c, const shape& y, int workers) {
        return c.how.tile > 1 ? mpar::cpu::winograd_workspace<T>(c, y, workers)
                              : mpar::cpu::sum_workspace<T>(c, y);
    }
    template <class T>
    static long packed_filters(const convolution& c) {
        return c.how.tile > 1 ? mpar::cpu::winograd_packed_filters<T>(c)
                              : mpar::cpu::packed_filters<T>(c);
    }
    template <class T>
    static void pack_filters(const T* filters, const convolution& c, T* packed) {
        if (c.how.tile > 1) return mpar::cpu::winograd_pack_filters(filters, c, packed);
        mpar::cpu::pack_filters(filters, c, packed);
    }
    template <class T>
    static void conv2d(crew& queue, const convolution& c, input_view<T> x, const T* packed,
                       const T* bias, const epilogue<T>& then, view<T> y, T* workspace = nullptr) {
        if constexpr (std::is_same_v<T, float>) {  // winograd_tile gives no other type a tile
            if (c.how.tile > 1) {
                return mpar::cpu::winograd_conv2d<T>(queue, c, x, packed, bias, then, y, workspace);
            }
        }
        mpar::cpu::conv2d<T>(queue, c, x, packed, bias, then, y, workspace);
    }
    template <class... A>
    static auto dense(A&&... a) -> decltype(mpar::cpu::dense(std::forward<A>(a)...)) {
        return mpar::cpu::dense(std::forward<A>(a)...);
    }
    template <class... A>
    static auto max_pool(A&&... a) -> decltype(mpar::cpu::max_pool(std::forward<A>(a)...)) {
        return mpar::cpu::max_pool(std::forward<A>(a)...);
    }
    template <class... A>
    static auto avg_pool(A&&... a) -> decltype(mpar::cpu::avg_pool(std::forward<A>(a)...)) {
        return mpar::cpu::avg_pool(std::forward<A>(a)...);
    }
    template <class... A>
    static auto row_sums(A&&... a) -> decltype(mpar::cpu::row_sums(std::forward<A>(a)...)) {
        return mpar::cpu::row_sums(std::forward<A>(a)...);
    }
    template <class... A>
    static auto mean_rows(A&&... a) -> decltype(mpar::cpu::mean_rows(std::forward<A>(a)...)) {
        return mpar::cpu::mean_rows(std::forward<A>(a)...);
    }
    template <class T>
    static void affine(crew& queue, input_view<T> x, const T* scale, const T* shift,
                       const activation& act, const view<T>& y) {
        mpar::cpu::affine<T>(queue, x, scale, shift, act, y);
    }
    template <class... A>
    static auto activate(A&&... a) -> decltype(mpar::cpu::activate(std::forward<A>(a)...)) {
        return mpar::cpu::activate(std::forward<A>(a)...);
    }
    template <class T>
    static void add(crew& queue, input_view<T> a, input_view<T> b, const activation& act,
                    const view<T>& y) {
        mpar::cpu::add<T>(queue, a, b, act, y);
    }
    template <class T>
    static void multiply(crew& queue, input_view<T> a, input_view<T> b, const activation& act,
                         const view<T>& y) {
        mpar::cpu::multiply<T>(queue, a, b, act, y);
    }
    template <class T>
    static void pad(crew& queue, const border& around, const border_line& rows,
                    const border_line& columns, input_view<T> x, const view<T>& y) {
        mpar::cpu::pad<T>(queue, around, rows, columns, x, y);
    }
    template <class... A>
    static auto softmax(A&&... a) -> decltype(mpar::cpu::softmax(std::forward<A>(a)...)) {
        return mpar::cpu::softmax(std::forward<A>(a)...);
    }
    template <class... A>
    static auto copy(A&&... a) -> decltype(mpar::cpu::copy(std::forward<A>(a)...)) {
        return mpar::cpu::copy(std::forward<A>(a)...);
    }
    template <class... A>
    static auto copy_channels(A&&... a)
        -> decltype(mpar::cpu::copy_channels(std::forward<A>(a)...)) {
        return mpar::cpu::copy_channels(std::forward<A>(a)...);
    }
    template <class... A>
    static auto flatten(A&&... a) -> decltype(mpar::cpu::flatten(std::forward<A>(a)...)) {
        return mpar::cpu::flatten(std::forward<A>(a)...);
    }
    template <class... A>
    static auto clear_margin(A&&... a) -> decltype(mpar::cpu::clear_margin(std::forward<A>(a)...)) {
        return mpar::cpu::clear_margin(std::forward<A>(a)...);
    }
    template <class... A>
    static auto finite(A&&... a) -> decltype(mpar::cpu::finite(std::forward<A>(a)...)) {
        return mpar::cpu::finite(std::forward<A>(a)...);
    }
};

static_assert(backend_type<cpu> && backend_for<cpu, double>);

}  // namespace mpar::backend::inline MPAR_ISA_NAMESPACE
