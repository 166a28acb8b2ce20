// SPDX-License-Identifier: MIT
// An option that conv2d does not know.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using input = image<3, 8, 8>;
    // build error: mpar: conv2d takes groups<G>, with_bias and a policy of mpar::shard after its window
    using layers = chain<conv2d<3, 8, window<3>, stride<2, 2>>>;
};

int ranks(network<net>& n) { return n.ranks(); }
