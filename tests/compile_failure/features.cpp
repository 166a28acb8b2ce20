// SPDX-License-Identifier: MIT
// Images for a dense layer, which takes vectors.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using input = image<8, 8, 8>;
    // build error: mpar: dense takes vectors, the layer before gives images: flatten comes between
    // build error: mpar::detail::at<0>, mpar::dense<8, 10.*>, mpar::detail::takes<8>, mpar::detail::gives<64>
    using layers = chain<dense<8, 10>>;
};

int ranks(network<net>& n) { return n.ranks(); }
