// SPDX-License-Identifier: MIT
// The index map of a sliding window along one dimension. Knows no layer and no memory.
#pragma once

#include <mpar/tensor/shape.hpp>

namespace mpar {

/// A window along one dimension: output o reads inputs stride*o - before + dilation*[0, kernel).
struct taps {
    int kernel = 1, stride = 1, dilation = 1;
    int before = 0, after = 0;  ///< padding

    /// How many inputs lie between the first and the last tap, both counted.
    constexpr int span() const { return dilation * (kernel - 1) + 1; }

    /// Number of outputs for `input` inputs; 0 or less when the window does not fit.
    constexpr int outputs(int input) const {
        const int room = input + before + after - span();
        return room < 0 ? 0 : room / stride + 1;
    }

    /// Inputs that the outputs `out` read, padding included (so it may reach below 0 and past the
    /// end).
    constexpr range reads(range out) const {
        if (out.empty()) return {};
        return {stride * out.lo - before, stride * (out.hi - 1) - before + span()};
    }

    constexpr bool operator==(const taps&) const = default;
};

/// A window over rows (h) and columns (w).
struct sliding {
    taps h, w;

    constexpr bool is_pointwise() const { return *this == sliding{}; }
    constexpr bool operator==(const sliding&) const = default;
};

}  // namespace mpar
