// SPDX-License-Identifier: MIT
// One element of one type as another type. Knows no view.
#pragma once

#include <type_traits>

namespace mpar {

/// The nearest value of D. Fractions become the nearest byte (halves go up), 0 below, 255 above.
template <class D, class S>
constexpr D convert(S s) {
    if constexpr (std::is_floating_point_v<S> && std::is_integral_v<D>) {
        static_assert(sizeof(D) == 1 && std::is_unsigned_v<D>, "mpar: a byte is unsigned");
        return !(s > S(0)) ? D(0) : s >= S(255) ? D(255) : static_cast<D>(s + S(0.5));
    } else {
        return static_cast<D>(s);
    }
}

}  // namespace mpar
