// SPDX-License-Identifier: MIT
// A residual block whose arms give different rows.
#include <mpar/mpar.hpp>

using namespace mpar;

struct body {
    using layers = chain<conv2d<16, 16, window<3, 2>>>;
};
struct net {
    using input = image<16, 8, 8>;
    // build error: mpar: the arms of a residual give different shapes
    // build error: mpar::residual<body.*>, mpar::detail::takes<4>, mpar::detail::gives<8>
    using layers = chain<relu, residual<body>>;
};

int ranks(network<net>& n) { return n.ranks(); }
