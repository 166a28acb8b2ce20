// SPDX-License-Identifier: MIT
// Groups that do not divide the channels.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using input = image<9, 8, 8>;
    // build error: mpar: a convolution's groups do not divide its channels
    // build error: mpar::detail::at<0>, mpar::conv2d<9, 12, .*>, mpar::detail::takes<4>, mpar::detail::gives<9>
    using layers = chain<conv2d<9, 12, window<3>, groups<4>>>;
};

int ranks(network<net>& n) { return n.ranks(); }
