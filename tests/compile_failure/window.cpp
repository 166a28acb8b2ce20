// SPDX-License-Identifier: MIT
// A window larger than what is left of the image.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using input = image<3, 16, 16>;
    // build error: mpar: a layer's window does not fit into what the layer before gives
    // build error: mpar::detail::at<2>, mpar::max_pool<.*>, mpar::detail::takes<5>, mpar::detail::gives<4>
    using layers = chain<conv2d<3, 8, window<3, 2>>, max_pool<window<3, 2>>, max_pool<window<5, 1, pad<0>>>>;
};

int ranks(network<net>& n) { return n.ranks(); }
