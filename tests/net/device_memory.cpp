// SPDX-License-Identifier: MIT
// Plan, exchange and engine assume neither host memory nor immediate completion: a backend whose
// memory faults when the host touches it and whose kernels run late gives the reference's bits.
// ranks: 1 2 3
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/deferred_backend.hpp"
#include "support/random_graph.hpp"
#include "support/run_graph.hpp"

using namespace mpar;
using mpar_test::deferred;

namespace {

std::vector<float> run_deferred(const lowered& net, int batch, bool keeps) {
    engine<deferred, float> engine(communicator(MPI_COMM_WORLD), net.view(), {.batch = batch});
    const seeded_reader<float> read(net.view(), {});
    keeps ? engine.store(read) : engine.load(read);
    shape all = net.view().input().extents;
    all.n = batch;
    const std::int64_t extents[] = {all.n, all.c, all.h, all.w};
    const auto images = io::seeded_values<float>("input", extents);

    buffer<float, deferred::memory> x(images.size()), y(std::size_t(engine.output_shape().count()));
    deferred::queue queue;
    queue.copy_to_device(x.data(), images.data(), x.bytes());
    queue.finish();
    engine.forward(dense_view(x.data(), all), dense_view(y.data(), engine.output_shape()), {});
    std::vector<float> values(y.size());
    queue.copy_to_host(values.data(), y.data(), y.bytes());
    queue.finish();
    return values;
}

}  // namespace

TEST_CASE("a device's memory is left alone and its kernels may run late") {
    for (unsigned seed = 0; seed < unsigned(mpar_test::effort(12)); ++seed) {
        const mpar_test::random_graph net(seed + 300);
        for (const auto asked : {std::optional<policy>{}, std::optional(policy::rows),
                                 std::optional(policy::output), std::optional(policy::batch)}) {
            INFO("seed " << seed << ": " << net.text());
            const lowered l = net.lower(asked);
            const auto plain =
                mpar_test::run_graph<backend::reference, float>(MPI_COMM_SELF, l, {.batch = 2}).values;
            CHECK(run_deferred(l, 2, seed % 2) == plain);
        }
    }
}
