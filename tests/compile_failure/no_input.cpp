// SPDX-License-Identifier: MIT
// A net that does not say what it takes.
#include <mpar/mpar.hpp>

using namespace mpar;

struct net {
    using layers = chain<conv2d<3, 8>, relu>;
};

void run(MPI_Comm comm) {
    // build error: mpar: a net says what it takes: using input = image<channels, height, width>;
    network<net> n(comm);
    (void)n.output_shape();
}
