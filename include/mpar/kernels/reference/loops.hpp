// SPDX-License-Identifier: MIT
// The plain loop over all elements of a batch. Knows no kernel.
#pragma once

#include <mpar/tensor/shape.hpp>
#include <mpar/tensor/view.hpp>

namespace mpar::reference {

/// f(n, c, h, w) for every index of s.
template <class F>
void for_each_index(const shape& s, F f) {
    for (int n = 0; n < s.n; ++n) {
        for (int c = 0; c < s.c; ++c) {
            for (int h = 0; h < s.h; ++h) {
                for (int w = 0; w < s.w; ++w) f(n, c, h, w);
            }
        }
    }
}

/// f(n, c, h, w) for every element of v; for none when v has no memory.
template <class T, class F>
void for_each_index(const view<T>& v, F f) {
    if (!v.empty()) for_each_index(v.extents, f);
}

}  // namespace mpar::reference
