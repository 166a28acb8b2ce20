// SPDX-License-Identifier: MIT
// How finely a backend's work is worth dividing. Knows no backend: each has its own figures.
#pragma once

namespace mpar {

/// Where work is divided so that messages travel beside it, and shared between workers. The defaults
/// divide wherever it is right to, whatever that costs.
struct granularity {
    /// The least work between two looks at messages that are awaited: operations of a kernel, and
    /// pixels of its output.
    long flops_between_looks = 1, pixels_between_looks = 1;
    /// A layer is divided into a middle and its edges only where a rank has at least spans_of_middle
    /// times as many rows (columns) of its input as a window spans, and where the middle has at least
    /// one of every columns_of_middle columns.
    int spans_of_middle = 1, columns_of_middle = 1 << 20;
    /// Parts that a user's layer is divided into for each worker but the first.
    int parts_each = 1;
};

}  // namespace mpar
