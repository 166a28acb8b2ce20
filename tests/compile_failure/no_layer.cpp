// SPDX-License-Identifier: MIT
// What stands in a chain is a layer or a block.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using input = image<3, 8, 8>;
    // build error: mpar: what stands in a chain is a layer \(describe\(\)\) or a block
    using layers = chain<conv2d<3, 8>, int>;
};

int ranks(network<net>& n) { return n.ranks(); }
