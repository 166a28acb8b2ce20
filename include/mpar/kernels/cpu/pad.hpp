// SPDX-License-Identifier: MIT
// Rows and columns around an image, by runs of pixels. Knows views, no other kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/border.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/kernels/pad_lanes.hpp>
#include <mpar/tensor/crew.hpp>

#include <cstring>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// y = x with a border: `around` says what it is filled with, and the lines say where y's rows and
/// columns lie in x. requires: no overlap.
template <class T>
void pad(crew& queue, const border& around, const border_line& rows, const border_line& columns,
         input_view<T> x, view<T> y) {
    constexpr int V = lanes<T>;
    const vec<T> constant = vec<T>{} + T(around.value);
    for_each_row(queue, y, 1, [&](int n, int block, int h) {
        T* to = row_of(y, n, block, h);
        const int row = rows.source(around.with, h);
        const T* const from = row < 0 ? nullptr : row_of(x, n, block, row);
        for (int w = 0; w < y.extents.w; ++w, to += V) {
            const int column = columns.source(around.with, w);
            store<T>(to, from && column >= 0 ? load<T>(from + long(column) * V) : constant);
        }
        if (block + 1 == y.blocks()) {
            clear_pad_lanes(
                y.part({{n, n + 1}, {block * V, y.extents.c}, {h, h + 1}, {0, y.extents.w}}));
        }
    });
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
