// SPDX-License-Identifier: MIT
// One convolution's problem and what follows it, as values. Knows no loop, no rank and no net.
#pragma once

#include <mpar/kernels/clip.hpp>
#include <mpar/tensor/activation.hpp>
#include <mpar/tensor/taps.hpp>
#include <mpar/tensor/view.hpp>

namespace mpar {

/// How a convolution is computed: by its sum; by Winograd's minimal filtering F(tile x tile, 3 x
/// 3), 1980; or, with tiles of one output, by his inner product, 1968: the sum, two of its products
/// by one multiplication. Tiles are anchored at the first row and column of the layer's whole
/// output, and are computed whole, so that it does not matter to a bit who computes which part of
/// it.
struct winograd {
    int tile = 0;             ///< outputs a side; 0: the sum itself
    int row = 0, column = 0;  ///< y's first one, within its tile

    constexpr bool operator==(const winograd&) const = default;
};

/// One layer's problem, the same on all ranks but for the two ranges. A dense layer is a pointwise
/// convolution of images of one pixel.
struct convolution {
    sliding window;                   ///< before and after are not used: x holds its padding
    int in = 1, out = 1, groups = 1;  ///< channels of the whole layer
    range in_channels, out_channels;  ///< those that x and y hold; lo is a multiple of the block
    winograd how;
    clip padding{};  ///< rows and columns of x that are known to be zero, and may be left out

    constexpr int in_per_group() const { return in / groups; }
    constexpr int out_per_group() const { return out / groups; }
    constexpr int window_taps() const { return window.h.kernel * window.w.kernel; }

    /// The layer's input channels that its output channels `o` read, in the layer's indices.
    constexpr range reads(range o) const {
        if (o.empty()) return {};
        return {o.lo / out_per_group() * in_per_group(),
                ((o.hi - 1) / out_per_group() + 1) * in_per_group()};
    }

    /// Output channel c reads input channel c only.
    constexpr bool is_depthwise() const { return groups > 1 && in == groups && out == groups; }
};

/// What follows the sum: y = act(conv + bias + residual).
template <class T>
struct epilogue {
    activation act;
    view<const T> residual;  ///< y's extents, may be y itself; data == nullptr: nothing is added
};

}  // namespace mpar
