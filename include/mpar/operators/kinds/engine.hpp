// SPDX-License-Identifier: MIT
// What an engine does itself: a net's inputs and outputs, the end of a cut sum, and nothing. Knows no
// message.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// y = sum of the ranks' summands + bias, then residual and activation.
struct reduce_op : keeps_extents,
                   reads_same_place,
                   needs_no_shape,
                   takes_anything,
                   has_no_parameters,
                   has_no_kernel {
    bool bias = false;  ///< of what gave the summands

    static constexpr traits is() {
        return {.weights = packed_as::shifts,
                .has_epilogue = true,
                .ends_sum = true,
                .waits_for_halo = false};
    }
    static constexpr long flops(const box& y, const shape&) { return y.count(); }
};

/// What the caller passes besides the net's first input.
struct input_op : needs_no_shape, takes_anything, has_no_parameters, has_no_kernel {
    shape extents{};  ///< of one image

    static constexpr traits is() { return {.inputs = 0, .rides = riding::entering}; }
    constexpr shape output(shapes) const { return extents; }
    static constexpr index_map reads(int) { return {}; }
    static constexpr long flops(const box&, const shape&) { return 0; }
};

/// An output of the net: all of x, read by the caller.
struct result_op : keeps_extents, needs_no_shape, takes_anything, has_no_parameters, has_no_kernel {
    static constexpr traits is() { return {.rides = riding::leaving}; }
    static constexpr index_map reads(int) { return maps_everything(); }
    static constexpr long flops(const box&, const shape&) { return 0; }
};

/// Identity, and dropout at inference.
struct nothing_op : keeps_extents,
                    reads_same_place,
                    needs_no_shape,
                    takes_anything,
                    has_no_parameters,
                    has_no_kernel {
    static constexpr traits is() { return {.rides = riding::away}; }
    static constexpr long flops(const box&, const shape&) { return 0; }
};

}  // namespace mpar
