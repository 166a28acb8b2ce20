// SPDX-License-Identifier: MIT
// A policy where avg_pool says how it counts padding.
#include <mpar/layers/pool.hpp>

using namespace mpar;

// build error: mpar: the second parameter of avg_pool is count_padding or ignore_padding, the third a policy
constexpr operation o = avg_pool<window<2>, shard::rows>::describe();
