// SPDX-License-Identifier: MIT
// Probabilities over channels. Knows no net.
#pragma once

#include <mpar/layers/arguments.hpp>
#include <mpar/layers/layer.hpp>

namespace mpar {

/// y[n, c, i, j] = exp(x[n, c, i, j] - m) / sum over c of the same, m the greatest x over c.
/// Cut channels are gathered first.
struct softmax {
    static constexpr operation describe() {
        operation o = detail::named<softmax>(op::softmax);
        o.mixes_channels = true;
        return o;
    }
};

template <class Backend, class T>
void forward_softmax(const operation&, const arguments<Backend, T>& a) {
    Backend::softmax(a.queue, a.x, a.y);
}

}  // namespace mpar
