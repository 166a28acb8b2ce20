// SPDX-License-Identifier: MIT
// The product of two matrices by plain loops, sums in double: the oracle. Knows no vector.
#pragma once

#include <mpar/core/function_ref.hpp>
#include <mpar/tensor/matrix.hpp>
#include <mpar/tensor/memory.hpp>

#include <type_traits>

namespace mpar::reference {

/// How many elements gemm needs besides for a product of that size.
template <class T>
constexpr long gemm_workspace(long /*rows*/, long /*columns*/, long /*depth*/) {
    return 0;
}

/// c = a * b, or c += a * b where `adds`.                                            [M, N]
/// requires: a is [M, K], b [K, N]; c overlaps neither. `between` is called now and then while it
/// works, for whoever has messages to look after.
template <class T>
void gemm(host_queue&, matrix<const std::type_identity_t<T>> a,
          matrix<const std::type_identity_t<T>> b, matrix<T> c, bool adds,
          T* /*workspace*/ = nullptr, const function_ref<void()>* between = nullptr) {
    for (long i = 0; i < c.rows; ++i) {
        for (long j = 0; j < c.columns; ++j) {
            double sum = adds ? double(c(i, j)) : 0;
            for (long k = 0; k < a.columns; ++k) sum += double(a(i, k)) * double(b(k, j));
            c(i, j) = static_cast<T>(sum);
        }
        if (between) (*between)();
    }
}

}  // namespace mpar::reference
