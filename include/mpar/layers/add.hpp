// SPDX-License-Identifier: MIT
// The sum at the end of a residual block, where no layer before can take it up. Knows no net.
#pragma once

#include <mpar/layers/arguments.hpp>
#include <mpar/layers/layer.hpp>

namespace mpar {

/// y = x + residual, then the activation.
constexpr operation sum_of_arms() {
    operation o;
    o.kind = op::add;
    o.name = "residual: sum";
    return o;
}

template <class Backend, class T>
void forward_add(const operation& o, const arguments<Backend, T>& a) {
    Backend::add(a.queue, a.x, a.residual, o.act, a.y);
}

}  // namespace mpar
