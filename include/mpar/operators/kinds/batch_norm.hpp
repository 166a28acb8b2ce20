// SPDX-License-Identifier: MIT
// Batch normalisation at inference. Knows no net; folding it into the layer before is the plan's work.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, per channel, with the running
/// statistics.
struct batch_norm_op : keeps_extents, reads_same_place, needs_no_shape {
    int channels = 1;
    double epsilon = 1e-5;

    static constexpr traits is() {
        return {.rides = riding::norm, .weights = packed_as::scales, .has_epilogue = true};
    }
    constexpr complaint refuses(shapes x) const {
        if (channels != x[0].c) return {misfit::channels, channels, x[0].c};
        return {};
    }
    static constexpr long flops(const box& y, const shape&) { return 2 * y.count(); }
    template <class Sink>
    constexpr void parameters(Sink& to) const {
        to.add({role::scale, "weight", {channels}, 1, cut_as::outputs});
        to.add({role::shift, "bias", {channels}, 1, cut_as::outputs});
        to.add({role::mean, "running_mean", {channels}, 1, cut_as::outputs});
        to.add({role::variance, "running_var", {channels}, 1, cut_as::outputs});
    }
    /// weights: the scale per channel; bias: the shift.
    template <class Backend, class T>
    static void run(const activation& act, const arguments<Backend, T>& a) {
        Backend::affine(a.queue, a.x, a.weights, a.bias, act, a.y);
    }
};

}  // namespace mpar
