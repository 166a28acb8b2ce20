// SPDX-License-Identifier: MIT
// A layer that takes other channels than come.
#include <mpar/mpar.hpp>

using namespace mpar;

struct stem {
    // build error: mpar: a layer takes other channels than the layer before gives
    // build error: mpar::detail::at<1>, mpar::conv2d<128, 256, mpar::window<3> ?>, mpar::detail::takes<128>, mpar::detail::gives<64>
    using layers = chain<conv2d<3, 64, window<3>>, conv2d<128, 256, window<3>>>;
};
struct net {
    using input = image<3, 32, 32>;
    using layers = chain<stem, relu>;
};

int ranks(network<net>& n) { return n.ranks(); }
