// SPDX-License-Identifier: MIT
// A mesh axis of no rank.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using input = image<3, 8, 8>;
    using layers = chain<conv2d<3, 8>>;
};

// build error: mpar: a mesh axis has at least one rank
int ranks(network<net, mesh<axis::model<0>>>& n) { return n.ranks(); }
