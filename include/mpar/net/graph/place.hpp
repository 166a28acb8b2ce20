// SPDX-License-Identifier: MIT
// Where in a net's type an operation stands. Knows no operation.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace mpar {

/// Where a layer stands: its position in the innermost chain and the named block around it.
struct place {
    static constexpr int deepest = 16;

    std::string_view block;             ///< "bottleneck<64, 64, 1>::body"
    std::array<short, deepest> path{};  ///< positions from the outermost chain inwards
    int depth = 0;

    constexpr int position() const { return depth ? path[static_cast<std::size_t>(depth - 1)] : 0; }

    constexpr place inner(int position) const {
        place p = *this;
        if (depth < deepest)
            p.path[static_cast<std::size_t>(p.depth++)] = static_cast<short>(position);
        return p;
    }
};

}  // namespace mpar
