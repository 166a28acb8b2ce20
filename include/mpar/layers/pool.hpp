// SPDX-License-Identifier: MIT
// Pooling over windows, exact across cuts. Knows no net; its arithmetic is the backend's.
#pragma once

#include <mpar/layers/arguments.hpp>
#include <mpar/layers/layer.hpp>
#include <mpar/layers/window.hpp>

#include <concepts>

namespace mpar {

/// y = the greatest element of each window; padding never wins, NaN does.
///
/// x [N, C, H, W] -> y [N, C, H', W']. Policies: shard::follow (default: as its input is cut),
/// none, batch, rows, output (channels). Cost per rank: K*K comparisons an output; rows: a halo as
/// conv2d's.
template <class Window, class Policy = shard::follow>
struct max_pool {
    static_assert(window_type<Window>, "mpar: the first parameter of max_pool is a window");
    static_assert(policy_type<Policy>,
                  "mpar: the second parameter of max_pool is a policy of mpar::shard");

    static constexpr operation describe() {
        return detail::windowed_as<Window, Policy>(detail::named<max_pool>(op::max_pool));
    }
};

/// Whether avg_pool's divisor counts padding (PyTorch's default) or only what is inside of the
/// image.
struct count_padding {};
struct ignore_padding {};

/// y = the mean of each window. Policies and cost as max_pool's.
template <class Window, class Padding = count_padding, class Policy = shard::follow>
struct avg_pool {
    static_assert(window_type<Window>, "mpar: the first parameter of avg_pool is a window");
    static_assert(std::same_as<Padding, count_padding> || std::same_as<Padding, ignore_padding>,
                  "mpar: the second parameter of avg_pool is count_padding or ignore_padding, the "
                  "third a policy");
    static_assert(policy_type<Policy>,
                  "mpar: the third parameter of avg_pool is a policy of mpar::shard");

    static constexpr operation describe() {
        operation o = detail::windowed_as<Window, Policy>(detail::named<avg_pool>(op::avg_pool));
        o.count_padding = std::same_as<Padding, count_padding>;
        return o;
    }
};

template <class Backend, class T>
void forward_max_pool(const operation& o, const arguments<Backend, T>& a) {
    Backend::max_pool(a.queue, o.window, a.padding, a.x, a.y);
}

template <class Backend, class T>
void forward_avg_pool(const operation& o, const arguments<Backend, T>& a) {
    Backend::avg_pool(a.queue, o.window, a.padding, o.count_padding, a.x, a.y);
}

}  // namespace mpar
