// SPDX-License-Identifier: MIT
// A wrong layer in the second arm of a concat is named, not the concat.
#include <mpar/mpar.hpp>

using namespace mpar;

struct grown {
    // build error: mpar: a layer takes other channels than the layer before gives
    // build error: mpar::detail::at<1>, mpar::conv2d<12, 8, mpar::window<3> ?>, mpar::detail::takes<12>, mpar::detail::gives<16>
    using layers = chain<relu, conv2d<12, 8, window<3>>>;
};
struct net {
    using input = image<16, 8, 8>;
    using layers = chain<relu, concat<identity, grown>, conv2d<24, 8>>;
};

int ranks(network<net>& n) { return n.ranks(); }
