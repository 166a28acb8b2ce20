// SPDX-License-Identifier: MIT
// Pooling over windows, exact across cuts. Knows no net; its arithmetic is the backend's.
#pragma once

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
        max_pool_op o;
        detail::slide<Window>(o.window, o.same_padding);
        return {o, name_of<max_pool>(), detail::asked_by<Policy>()};
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
        avg_pool_op o;
        detail::slide<Window>(o.window, o.same_padding);
        o.count_padding = std::same_as<Padding, count_padding>;
        return {o, name_of<avg_pool>(), detail::asked_by<Policy>()};
    }
};

}  // namespace mpar
