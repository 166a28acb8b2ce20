// SPDX-License-Identifier: MIT
// What an operator says against an input that it cannot take. Knows no operator and no net.
#pragma once

namespace mpar {

/// The kinds of faults of a net: an operator finds the first ones, lowering the others.
enum class misfit {
    none,
    channels,   ///< takes so many channels, is given others
    groups,     ///< so many groups do not divide its channels
    window,     ///< a window over so many rows or columns, is given fewer
    features,   ///< takes vectors, is given images
    slice,      ///< takes channels up to one that is not there
    mirror,     ///< mirrors so many rows or columns, is given no more than that
    arms,       ///< two summands of different extents
    gate,       ///< a factor of other extents
    concat,     ///< inputs of different rows or columns
    policy,     ///< cannot follow: reads all rows
    summands,   ///< cannot follow: does not sum over all channels
    unplanned,  ///< waits for a planner
    depth,      ///< blocks too deep in each other
};

/// A fault with its two numbers, or none.
struct complaint {
    misfit what = misfit::none;
    int takes = 0, gives = 0;

    constexpr explicit operator bool() const { return what != misfit::none; }
};

}  // namespace mpar
