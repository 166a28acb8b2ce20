// SPDX-License-Identifier: MIT
// Softmax over channels, a vector of them at a time. Knows views, no other kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/kernels/pad_lanes.hpp>
#include <mpar/tensor/crew.hpp>

#include <limits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// y[n, c, h, w] = exp(x[n, c, h, w] - m) / sum over c of the same, m the largest; y may be x.
template <class T>
void softmax(crew& queue, input_view<T> x, view<T> y) {
    if (y.empty()) return;
    constexpr int V = lanes<T>;
    const int channels = y.extents.c, blocks = y.blocks();
    const auto pixel = [&](int n, int h, int w) {
        const T* from = &x(n, 0, h, w);
        T* to = &y(n, 0, h, w);
        T largest = -std::numeric_limits<T>::infinity();
        for (int c = 0; c < channels; ++c) {
            const T e = from[c / V * x.stride_c + c % V];
            if (e > largest) largest = e;
        }
        T sum = 0;
        for (int b = 0; b < blocks; ++b) {
            const vec<T> e = exponential<T>(load<T>(from + b * x.stride_c) - largest);
            store<T>(to + b * y.stride_c, e);
            for (int lane = 0; lane < V && b * V + lane < channels; ++lane) sum += e[lane];
        }
        for (int b = 0; b < blocks; ++b) {
            store<T>(to + b * y.stride_c, load<T>(to + b * y.stride_c) / sum);
        }
        clear_pad_lanes(y.part({{n, n + 1}, {0, channels}, {h, h + 1}, {w, w + 1}}));
    };
    const long columns = y.extents.w, pixels = y.extents.h * columns;
    for_each_range(queue, y.extents.n * pixels, 32L * blocks, [&](long first, long last) {
        for (long p = first; p < last; ++p) {
            pixel(int(p / pixels), int(p % pixels / columns), int(p % columns));
        }
    });
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
