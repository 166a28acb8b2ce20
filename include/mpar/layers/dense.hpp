// SPDX-License-Identifier: MIT
// A fully connected layer. Knows no net; its arithmetic is the backend's.
#pragma once

#include <mpar/layers/conv2d.hpp>

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
        operation o = detail::named<dense>(op::dense);
        o.in = In;
        o.out = Out;
        o.bias = true;
        o.asks = Policy::value;
        o.mixes_channels = true;
        o.mixes_rows = true;
        return o;
    }
};

template <class Backend, class T>
void forward_dense(const operation& o, const arguments<Backend, T>& a) {
    Backend::dense(a.queue, problem_of(o, a.in_channels, a.where), a.x, a.weights, a.bias,
                   epilogue<T>{o.act, a.residual}, a.y);
}

}  // namespace mpar
