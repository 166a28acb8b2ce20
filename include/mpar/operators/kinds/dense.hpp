// SPDX-License-Identifier: MIT
// A fully connected layer. Knows no net; its arithmetic is the backend's.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// y[n, o] = sum over c of x[n, c] * w[o, c] + b[o]
///
/// x [N, In], w [Out, In], y [N, Out].
struct dense_op : needs_no_shape {
    filters of;

    static constexpr traits is() {
        return {.weights = packed_as::filters, .has_epilogue = true, .has_filters = true};
    }
    constexpr complaint refuses(shapes x) const {
        if (x[0].h != 1 || x[0].w != 1) return {misfit::features, of.in, x[0].h * x[0].w};
        return of.refuses(x.front());
    }
    constexpr shape output(shapes x) const { return {x[0].n, of.out, 1, 1}; }
    static constexpr index_map reads(int) { return maps_everything(); }
    constexpr long flops(const box& y, const shape&) const { return of.flops(y); }
    template <class Sink>
    constexpr void parameters(Sink& to) const {
        to.add({role::filters, "weight", {of.out, of.in}, 2, cut_as::outputs, cut_as::summed});
        if (of.bias) to.add({role::bias, "bias", {of.out}, 1, cut_as::outputs});
    }
    template <class Backend, class T>
    void run(const activation& act, const arguments<Backend, T>& a) const {
        Backend::dense(a.queue, of.problem(a.from.c, a.where, 0), a.x, a.weights, a.bias,
                       epilogue<T>{act, a.residual}, a.y);
    }
};

}  // namespace mpar
