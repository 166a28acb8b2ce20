// SPDX-License-Identifier: MIT
// A concat whose arms give different rows.
#include <mpar/mpar.hpp>

using namespace mpar;

struct halved {
    using layers = chain<conv2d<16, 16, window<3, 2>>>;
};
struct net {
    using input = image<16, 8, 8>;
    // build error: mpar: the arms of a concat give other rows or columns
    // build error: mpar::concat<mpar::identity, halved>, mpar::detail::takes<8>, mpar::detail::gives<4>
    using layers = chain<relu, concat<identity, halved>>;
};

int ranks(network<net>& n) { return n.ranks(); }
