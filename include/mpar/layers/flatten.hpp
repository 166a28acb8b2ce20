// SPDX-License-Identifier: MIT
// Images as vectors. Knows no net.
#pragma once

#include <mpar/layers/arguments.hpp>
#include <mpar/layers/layer.hpp>

namespace mpar {

/// [N, C, H, W] -> [N, C*H*W] in the order c, h, w. No step where H = W = 1 already.
struct flatten {
    static constexpr operation describe() {
        operation o = detail::named<flatten>(op::flatten);
        o.mixes_channels = o.mixes_rows = true;
        return o;
    }
};

template <class Backend, class T>
void forward_flatten(const operation&, const arguments<Backend, T>& a) {
    Backend::flatten(a.queue, a.x, a.y);
}

}  // namespace mpar
