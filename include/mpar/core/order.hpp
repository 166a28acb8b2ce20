// SPDX-License-Identifier: MIT
// The order of things, as their numbers: one sort, compiled once, whatever is sorted.
#pragma once

#include <mpar/core/function_ref.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mpar {

/// The numbers 0 to count - 1, each before those that it has to come `before`; where neither has to,
/// the smaller one is first. requires: count < 2^32.
inline std::vector<std::uint32_t> order_of(
    std::size_t count, function_ref<bool(std::uint32_t, std::uint32_t)> before) {
    std::vector<std::uint32_t> order(count);
    for (std::size_t i = 0; i < count; ++i) order[i] = static_cast<std::uint32_t>(i);
    std::sort(order.begin(), order.end(), [before](std::uint32_t a, std::uint32_t b) {
        return before(a, b) || (!before(b, a) && a < b);
    });
    return order;
}

}  // namespace mpar
