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
    template <class T>
    static void dense(crew& queue, const convolution& c, input_view<T> x, const T* packed,
                      const T* bias, const epilogue<T>& then, const view<T>& y) {
        mpar::cpu::dense<T>(queue, c, x, packed, bias, then, y);
    }
    template <class T>
    static void max_pool(crew& queue, const sliding& window, const clip& padding, input_view<T> x,
                         const view<T>& y) {
        mpar::cpu::max_pool<T>(queue, window, padding, x, y);
    }
    template <class T>
    static void avg_pool(crew& queue, const sliding& window, const clip& padding,
                         bool count_padding, input_view<T> x, const view<T>& y) {
        mpar::cpu::avg_pool<T>(queue, window, padding, count_padding, x, y);
    }
    template <class T>
    static void row_sums(crew& queue, input_view<T> x, const view<T>& y) {
        mpar::cpu::row_sums<T>(queue, x, y);
    }
    template <class T>
    static void mean_rows(crew& queue, double divisor, input_view<T> x, const view<T>& y) {
        mpar::cpu::mean_rows<T>(queue, divisor, x, y);
    }
    template <class T>
    static void affine(crew& queue, input_view<T> x, const T* scale, const T* shift,
                       const activation& act, const view<T>& y) {
        mpar::cpu::affine<T>(queue, x, scale, shift, act, y);
    }
    template <class T>
    static void activate(crew& queue, input_view<T> x, const activation& act, const view<T>& y) {
        mpar::cpu::activate<T>(queue, x, act, y);
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
    template <class T>
    static void softmax(crew& queue, input_view<T> x, const view<T>& y) {
        mpar::cpu::softmax<T>(queue, x, y);
    }
    template <class From, class To>
    static void copy(crew& queue, const view<From>& x, const view<To>& y) {
        mpar::cpu::copy<From, To>(queue, x, y);
    }
    template <class T>
    static void copy_channels(crew& queue, input_view<T> x, int shift, const view<T>& y) {
        mpar::cpu::copy_channels<T>(queue, x, shift, y);
    }
    template <class T>
    static void flatten(crew& queue, input_view<T> x, const view<T>& y) {
        mpar::cpu::flatten<T>(queue, x, y);
    }
    template <class T>
    static void clear_margin(crew& queue, const view<T>& all, const box& interior) {
        mpar::cpu::clear_margin<T>(queue, all, interior);
    }
    template <class T>
    static bool finite(crew& queue, const view<T>& x) {
        return mpar::cpu::finite<T>(queue, x);
    }
};

static_assert(backend_type<cpu> && backend_for<cpu, double>);

}  // namespace mpar::backend::inline MPAR_ISA_NAMESPACE
