// SPDX-License-Identifier: MIT
// A norm of no channel.
#include <mpar/layers/batch_norm.hpp>

using namespace mpar;

// build error: mpar: batch_norm has at least one channel
constexpr operation o = batch_norm<0>::describe();
