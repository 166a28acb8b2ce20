// SPDX-License-Identifier: MIT
// The loop over rows of vectors of a blocked view, shared by a crew. Knows views, no kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/tensor/crew.hpp>
#include <mpar/tensor/view.hpp>

#include <algorithm>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Calls f(first, last) for ranges that together are [0, count), shared by the crew. `work` is that
/// of one index, in vectors; a range is long enough to be worth its claim.
inline void for_each_range(crew& queue, long count, long work, function_ref<void(long, long)> f) {
    if (count <= 0) return;
    constexpr long enough = 512, units_each = 32;
    const long step = std::max(ceil_div(enough, std::max(work, 1L)),
                               ceil_div(count, units_each * queue.workers()));
    queue.share(ceil_div(count, step),
                [&](long u, int) { f(u * step, std::min(count, (u + 1) * step)); });
}

/// Calls f(n, block, rows) for all rows of every channel block of y, some at a time. `taps` is the
/// work of one vector.
template <class T>
void for_each_rows(crew& queue, const view<T>& y, int taps, function_ref<void(int, int, range)> f) {
    if (y.empty()) return;
    const long rows = y.extents.h, planes = y.blocks();
    for_each_range(queue, y.extents.n * planes * rows, long(y.extents.w) * taps,
                   [&](long first, long last) {
                       int h = int(first % rows), block = int(first / rows % planes);
                       int n = int(first / rows / planes);
                       while (first < last) {
                           const int count = int(std::min(last - first, rows - h));
                           f(n, block, {h, h + count});
                           first += count;
                           h = 0;
                           if (++block < planes) continue;
                           block = 0;
                           ++n;
                       }
                   });
}

/// Calls f(n, block, h) for every row of every channel block of y. `taps` is the work of one
/// vector.
template <class T>
void for_each_row(crew& queue, const view<T>& y, int taps, function_ref<void(int, int, int)> f) {
    for_each_rows(queue, y, taps, [&](int n, int block, range rows) {
        for (int h = rows.lo; h < rows.hi; ++h) f(n, block, h);
    });
}

/// The address at which a row begins.
template <class T>
T* row_of(const view<T>& v, int n, int block, int h) {
    return v.data + n * v.stride_n + block * v.stride_c + h * v.stride_h;
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
