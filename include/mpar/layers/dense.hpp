// SPDX-License-Identifier: MIT
// A fully connected layer. Knows no net; its arithmetic is the backend's.
#pragma once

#include <mpar/layers/layer.hpp>

namespace mpar {

/// y[n, o] = sum over c of x[n, c] * w[o, c] + b[o]
///
/// x [N, In], w [Out, In], y [N, Out]. Policies: shard::none (default), batch, output.
/// Cost per rank: 2*N*In*Out/P flops, no collective here; with output its reader gathers N*Out.
template <int In, int Out, class Policy = shard::none>
struct dense {
    static_assert(In > 0 && Out > 0, "mpar: dense has at least one feature on either side");
    static_assert(policy_type<Policy>,
                  "mpar: the last parameter of dense is a policy of mpar::shard");

    static constexpr operation describe() {
        dense_op o;
        o.of = {.in = In, .out = Out, .bias = true};
        return {o, name_of<dense>(), detail::asked_by<Policy>()};
    }
};

}  // namespace mpar
