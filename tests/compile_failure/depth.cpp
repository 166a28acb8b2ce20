// SPDX-License-Identifier: MIT
// Blocks in blocks in blocks, deeper than a place can say.
#include <mpar/mpar.hpp>

using namespace mpar;

template <int Depth>
struct nested {
    using layers = chain<nested<Depth - 1>>;
};
template <>
struct nested<0> {
    using layers = chain<conv2d<3, 8>>;
};
struct net {
    using input = image<3, 8, 8>;
    // build error: mpar: a net's blocks lie too deep in each other
    // build error: mpar::conv2d<3, 8.*>, mpar::detail::takes<16>, mpar::detail::gives<15>
    using layers = chain<nested<14>>;
};

int ranks(network<net>& n) { return n.ranks(); }
