// SPDX-License-Identifier: MIT
// The second time a repeated block meets its own output.
#include <mpar/mpar.hpp>

using namespace mpar;

struct block {
    using layers = chain<conv2d<16, 32, window<3>>, relu>;
};
struct net {
    using input = image<16, 8, 8>;
    // build error: mpar: a layer takes other channels than the layer before gives
    // build error: mpar::conv2d<16, 32, .*>, mpar::detail::takes<16>, mpar::detail::gives<32>
    using layers = chain<repeat<3, block>>;
};

int ranks(network<net>& n) { return n.ranks(); }
