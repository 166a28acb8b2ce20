// SPDX-License-Identifier: MIT
// program: own
// ranks: 2
// label: long
// sanitize: no
#include <mpar/matmul/product.hpp>

#include <mpar/matmul/choose.hpp>
#include <mpar/matmul/words.hpp>

#include "matmul/numbers.hpp"

#include <support/catch.hpp>
#include <support/delayed_messages.hpp>

using namespace mpar::matmul;
using namespace matmul_test;

TEST_CASE("panels that travel slowly hide behind work") {
    mpar::communicator comm(MPI_COMM_WORLD);
    const plan p = on_grid({768, 1024, 8192}, algorithm::column, {1, 2, 1});
    const place at = place_of(p.ranks, comm.rank());
    block<float> a(owned_a(p, at), 0), b(owned_b(p, at), 0), c(owned_c(p, at), 0);
    set(a.view(), a.where, element_a);
    set(b.view(), b.where, element_b);
    product<float> multiply(comm, p, a.seen(), b.seen(), c.view());
    const auto timed = [&] {
        mpar::all_reduce(comm, 0, MPI_SUM);
        const double began = MPI_Wtime();
        multiply.run();
        return double(mpar::all_reduce(comm, long((MPI_Wtime() - began) * 1e9), MPI_MAX)) * 1e-9;
    };
    const auto least = [&] {
        double best = 1e9;
        for (int i = 0; i < 15; ++i) best = std::min(best, timed());
        return best;
    };
    delayed::set(0, 0);
    timed();
    const double work = least();
    const double bytes = 4.0 * double(words_received(p, at));
    for (const double share : {0.5, 1.0, 1.5}) {  // of the time of the work
        const double network = share * work;
        delayed::set(20e-6, network / bytes);
        const double together = least();
        CAPTURE(share, work, network, together);
        REQUIRE(together >= 0.98 * network);
        REQUIRE(together <= 1.10 * std::max(work, network));
    }
}
