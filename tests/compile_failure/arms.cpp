// SPDX-License-Identifier: MIT
// A residual block whose arms give different channels.
#include <mpar/mpar.hpp>

using namespace mpar;

struct body {
    using layers = chain<conv2d<16, 64, window<3>>>;
};
struct net {
    using input = image<16, 8, 8>;
    // build error: mpar: the arms of a residual give different shapes
    // build error: mpar::residual<body.*>, mpar::detail::takes<64>, mpar::detail::gives<16>
    using layers = chain<residual<body>>;
};

int ranks(network<net>& n) { return n.ranks(); }
