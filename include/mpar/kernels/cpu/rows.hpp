// SPDX-License-Identifier: MIT
// The loop over rows of vectors of a blocked view. Knows views, no kernel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/tensor/view.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// f(n, block, h) for every row of every channel block.
template <class T>
void for_each_row(const view<T>& y, function_ref<void(int, int, int)> f) {
    if (y.empty()) return;
    for (int n = 0; n < y.extents.n; ++n) {
        for (int block = 0; block < y.blocks(); ++block) {
            for (int h = 0; h < y.extents.h; ++h) f(n, block, h);
        }
    }
}

/// Where a row begins.
template <class T>
T* row_of(const view<T>& v, int n, int block, int h) {
    return v.data + n * v.stride_n + block * v.stride_c + h * v.stride_h;
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
