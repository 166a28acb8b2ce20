// SPDX-License-Identifier: MIT
// Integer arithmetic that sizes are made of. Knows no tensor.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace mpar {

/// ceil(a / b) for a >= 0, b > 0.
template <class Int>
constexpr Int ceil_div(Int a, Int b) {
    return (a + b - 1) / b;
}

/// The smallest multiple of `step` that is at least a.
template <class Int>
constexpr Int round_up(Int a, Int step) {
    return ceil_div(a, step) * step;
}

/// a * b, or nothing when the product does not fit: for sizes read from a file.
constexpr std::optional<std::uint64_t> checked_multiply(std::uint64_t a, std::uint64_t b) {
    if (b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b) return std::nullopt;
    return a * b;
}

/// a + b, or nothing when the sum does not fit.
constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
    if (a > std::numeric_limits<std::uint64_t>::max() - b) return std::nullopt;
    return a + b;
}

}  // namespace mpar
