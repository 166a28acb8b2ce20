// SPDX-License-Identifier: MIT
// The lanes of the last channel block that hold no channel. Knows no kernel.
#pragma once

#include <mpar/tensor/view.hpp>

namespace mpar {

/// Writes zero to the lanes of the last block that are no channel of y; nothing where all are.
template <class T>
void clear_pad_lanes(const view<T>& y) {
    const int used = y.extents.c % y.block;
    if (y.empty() || used == 0) return;
    for (int n = 0; n < y.extents.n; ++n) {
        for (int h = 0; h < y.extents.h; ++h) {
            T* row = &y(n, y.extents.c - used, h, 0);
            for (int w = 0; w < y.extents.w; ++w, row += y.stride_w) {
                for (int lane = used; lane < y.block; ++lane) row[lane] = T(0);
            }
        }
    }
}

}  // namespace mpar
