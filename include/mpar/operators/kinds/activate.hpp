// SPDX-License-Identifier: MIT
// A function of single elements. Knows no net; the plan lets it ride on the step before.
#pragma once

#include <mpar/operators/answers.hpp>

namespace mpar {

/// y = act(x), act being the operation's.
struct activate_op : keeps_extents,
                     reads_same_place,
                     needs_no_shape,
                     takes_anything,
                     has_no_parameters {
    static constexpr traits is() { return {.rides = riding::activation}; }
    static constexpr long flops(const box& y, const shape&) { return y.count(); }
    template <class Backend, class T>
    static void run(const activation& act, const arguments<Backend, T>& a) {
        Backend::activate(a.queue, a.x, act, a.y);
    }
};

}  // namespace mpar
