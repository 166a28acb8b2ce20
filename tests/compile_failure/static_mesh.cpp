// SPDX-License-Identifier: MIT
// A static mesh is checked like a dynamic one.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using input = image<3, 8, 8>;
    // build error: mpar: a layer takes other channels than the layer before gives
    using layers = chain<conv2d<4, 8>>;
};

int ranks(network<net, mesh<axis::model<4>>>& n) { return n.ranks(); }
