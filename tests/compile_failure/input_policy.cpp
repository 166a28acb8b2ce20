// SPDX-License-Identifier: MIT
// An image whose policy is none.
#include <mpar/net/graph/chain.hpp>

using namespace mpar;

// build error: mpar: the last parameter of image is a policy of mpar::shard
constexpr policy given = image<3, 8, 8, int>::given;
