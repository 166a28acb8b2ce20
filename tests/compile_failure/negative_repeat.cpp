// SPDX-License-Identifier: MIT
// A block fewer than zero times.
#include <mpar/layers/conv2d.hpp>
#include <mpar/net/graph/walk.hpp>

using namespace mpar;

struct block {
    using layers = chain<conv2d<3, 3>>;
};
struct net {
    // build error: mpar: a block is repeated zero times or more
    using layers = chain<repeat<-1, block>>;
};

constexpr auto entries = graph_of<net>.size();
