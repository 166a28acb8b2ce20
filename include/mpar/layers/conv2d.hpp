// SPDX-License-Identifier: MIT
// Two-dimensional convolution. Knows no net; its arithmetic is the backend's.
#pragma once

#include <mpar/layers/layer.hpp>
#include <mpar/layers/window.hpp>

namespace mpar {

/// Options of conv2d besides its window and policy.
template <int Groups>
struct groups {
    static_assert(Groups > 0, "mpar: a convolution has at least one group");
    static constexpr int group_count = Groups;
};
struct with_bias {
    static constexpr bool adds_bias = true;
};

namespace detail {

template <class Option>
constexpr void apply_option(conv2d_op& o, placing& asks) {
    if constexpr (policy_type<Option>) {
        asks = Option::value;
    } else if constexpr (requires { Option::group_count; }) {
        o.of.groups = Option::group_count;
    } else {
        static_assert(
            requires { Option::adds_bias; },
            "mpar: conv2d takes groups<G>, with_bias and a policy of mpar::shard after its window");
        o.of.bias = true;
    }
}

}  // namespace detail

/// y[n, o, i, j] = sum over c, k, l of x[n, c, s*i - p + d*k, s*j - p + d*l] * w[o, c, k, l] (+
/// b[o])
///
/// x [N, In, H, W], w [Out, In/groups, Kh, Kw], y [N, Out, H', W'] with H' = (H + p - d(K-1) - 1)/s
/// + 1.
/// Options: groups<G>, with_bias, and the policy: shard::none (default), batch, rows, output.
/// Cost per rank: 2*N*Out*In/groups*Kh*Kw*H'*W'/P flops; rows: a halo of d(K-1)+1-s rows; output:
/// none here, its reader gathers.
template <int In, int Out, class Window = window<1>, class... Options>
struct conv2d {
    static_assert(In > 0 && Out > 0, "mpar: conv2d has at least one channel on either side");
    static_assert(window_type<Window>, "mpar: the third parameter of conv2d is a window");
    static_assert((policy_type<Options> + ... + 0) <= 1, "mpar: conv2d has one policy");

    static constexpr operation describe() {
        conv2d_op o{.of = {.in = In, .out = Out}};
        placing asks = policy::none;
        detail::slide<Window>(o.of.window, o.same_padding);
        (detail::apply_option<Options>(o, asks), ...);
        return {o, name_of<conv2d>(), asks};
    }
};

/// One filter a channel: its output channel c reads input channel c alone, so cut channels stay
/// cut.
template <int Channels, class Window, class... Options>
using depthwise_conv2d = conv2d<Channels, Channels, Window, groups<Channels>, Options...>;

}  // namespace mpar
