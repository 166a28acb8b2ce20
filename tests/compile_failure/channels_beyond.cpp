// SPDX-License-Identifier: MIT
// Channels taken beyond those that come.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using input = image<32, 8, 8>;
    // build error: mpar: a layer takes channels beyond those of the layer before
    // build error: mpar::channels<16, 48>, mpar::detail::takes<48>, mpar::detail::gives<32>
    using layers = chain<relu, channels<16, 48>>;
};

int ranks(network<net>& n) { return n.ranks(); }
