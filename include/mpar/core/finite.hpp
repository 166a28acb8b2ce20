// SPDX-License-Identifier: MIT
// Whether numbers are finite, many at a time. Knows no tensor.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace mpar {

/// Whether none of `count` numbers is NaN or infinite. `values` may lie at any address, as in a
/// file. Cost: that of reading them.
template <std::floating_point T>
bool all_finite(const void* values, std::size_t count) {
    using word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    constexpr word exponent = sizeof(T) == 4 ? word(0x7f800000u) : word(0x7ff0000000000000u);
    constexpr std::size_t lanes = 32;
    const auto* from = static_cast<const char*>(values);
    word most[lanes] = {};
    for (; count >= lanes; count -= lanes, from += sizeof(word[lanes])) {
        word bits[lanes];
        std::memcpy(bits, from, sizeof bits);
        for (std::size_t i = 0; i < lanes; ++i) most[i] = std::max(most[i], bits[i] & exponent);
    }
    for (; count > 0; --count, from += sizeof(word)) {
        word bits;
        std::memcpy(&bits, from, sizeof bits);
        most[0] = std::max(most[0], bits & exponent);
    }
    return *std::max_element(most, most + lanes) < exponent;
}

}  // namespace mpar
