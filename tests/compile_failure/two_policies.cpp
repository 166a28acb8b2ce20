// SPDX-License-Identifier: MIT
// Two policies for one layer.
#include <mpar/layers/conv2d.hpp>

using namespace mpar;

// build error: mpar: conv2d has one policy
constexpr operation o = conv2d<3, 8, window<3>, shard::rows, shard::output>::describe();
