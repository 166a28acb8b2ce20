// SPDX-License-Identifier: MIT
// A batch_norm of other channels than come.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using input = image<3, 32, 32>;
    // build error: mpar: a layer takes other channels than the layer before gives
    // build error: mpar::detail::at<1>, mpar::batch_norm<32.*>, mpar::detail::takes<32>, mpar::detail::gives<64>
    using layers = chain<conv2d<3, 64, window<3>>, batch_norm<32>>;
};

int ranks(network<net>& n) { return n.ranks(); }
