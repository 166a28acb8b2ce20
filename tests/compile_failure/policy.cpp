// SPDX-License-Identifier: MIT
// A dense layer has no rows to be cut in.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using input = image<8, 8, 8>;
    // build error: mpar: a layer cannot follow its policy: every output reads all rows
    // build error: mpar::detail::at<1>, mpar::dense<8, 10, mpar::shard::rows>, mpar::detail::takes<1>, mpar::detail::gives<1>
    using layers = chain<global_avg_pool, dense<8, 10, shard::rows>>;
};

int ranks(network<net>& n) { return n.ranks(); }
