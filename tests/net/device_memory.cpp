// SPDX-License-Identifier: MIT
// Plan, exchange and engine assume neither host memory nor immediate completion: a backend whose
// memory faults when the host touches it and whose kernels run late gives the reference's values
// under every policy, and its bits where no sum is cut.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/deferred_backend.hpp"
#include "support/effort.hpp"
#include "support/random_graph.hpp"
#include "support/run_graph.hpp"

#include <mpar/layers/conv2d.hpp>
#include <mpar/layers/dense.hpp>
#include <mpar/layers/pool.hpp>
#include <mpar/net/choose/stages.hpp>
#include <mpar/net/graph/walk.hpp>

using namespace mpar;
using mpar_test::counting_messages;
using mpar_test::deferred;
using mpar_test::delayed_messages;

namespace {

int world_size() {
    int ranks = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    return ranks;
}

/// The output of a deferred backend on the ranks of `comm`. Its transport carries what the plan predicts.
template <class Backend = deferred>
std::vector<float> run_deferred(MPI_Comm comm, const lowered& net, const options& how,
                                bool keeps = false) {
    engine<Backend, float> engine(communicator(comm, seconds(60)), net.view(), how);
    const seeded_reader<float> read(net.view(), {});
    keeps ? engine.store(read) : engine.load(read);
    shape all = net.view().input().extents;
    all.n = how.batch;
    const std::int64_t extents[] = {all.n, all.c, all.h, all.w};
    const auto images = io::seeded_values<float>("input", extents);

    buffer<float, deferred::memory> x(images.size()), y(std::size_t(engine.output_shape().count()));
    deferred::queue queue;
    queue.copy_to_device(x.data(), images.data(), x.bytes());
    queue.finish();
    const long finishes = deferred::queue::finishes();
    counting_messages::counted() = {};
    engine.forward(dense_view<const float>(x.data(), all).part(engine.input_box()),
                   dense_view(y.data(), engine.output_shape()), {});
    const int turns = engine.output_shape().n / engine.mine().of.batch;
    CHECK(deferred::queue::finishes() - finishes <= turns);
    CHECK(engine.measured() == engine.predicted());
    if (std::same_as<typename Backend::staging, deferred::staging>) {
        CHECK(counting_messages::counted() == engine.predicted());
    }
    std::vector<float> values(y.size());
    queue.copy_to_host(values.data(), y.data(), y.bytes());
    queue.finish();
    return values;
}

std::vector<float> run_reference(const lowered& net, int batch) {
    return mpar_test::run_graph<backend::reference, float>(MPI_COMM_SELF, net, {.batch = batch})
        .values;
}

bool cuts_a_sum(const plan& p) {
    for (const auto& t : p.tensors) {
        if (!t.where.partial.empty()) return true;
    }
    return false;
}

/// Of the greatest value of `b`.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
    double most = 0, greatest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = std::abs(double(a[i]) - double(b[i]));
        if (!(d <= most)) most = d;
        greatest = std::max(greatest, std::abs(double(b[i])));
    }
    return greatest > 0 ? most / greatest : most;
}

}  // namespace

TEST_CASE("a device's memory is left alone and its kernels may run late") {
    for (unsigned seed = 0; seed < unsigned(mpar_test::effort(8)); ++seed) {
        const mpar_test::random_graph net(seed + 300);
        const auto plain = run_reference(net.lower(policy::none), 2);
        for (const auto asked :
             {std::optional<policy>{}, std::optional(policy::none), std::optional(policy::batch),
              std::optional(policy::rows), std::optional(policy::cols),
              std::optional(policy::tiles), std::optional(policy::output)}) {
            INFO("seed " << seed << ", " << (asked ? name_of(*asked) : "own") << ": "
                         << net.text());
            CHECK(run_deferred(MPI_COMM_WORLD, net.lower(asked), {.batch = 2}, seed % 2) == plain);
        }
    }
}

TEST_CASE("sums that are cut between devices: close, and reproducible the same bits") {
    for (unsigned seed = 0; seed < unsigned(mpar_test::effort(8)); ++seed) {
        const mpar_test::random_graph net(seed + 400, true);
        const auto plain = run_reference(net.lower(policy::none), 2);
        for (const bool reproducible : {false, true}) {
            const options how{.batch = 2, .reproducible = reproducible};
            for (const auto asked : {std::optional<policy>{}, std::optional(policy::input),
                                     std::optional(policy::grid)}) {
                INFO("seed " << seed << ", " << (asked ? name_of(*asked) : "own") << ": "
                             << net.text());
                const lowered l = net.lower(asked);
                const auto together = run_deferred(MPI_COMM_WORLD, l, how);
                CHECK(difference(together, plain) <= 1e-5);
                if (!cuts_a_sum(l.view())) CHECK(together == plain);
                if (reproducible) CHECK(together == run_deferred(MPI_COMM_SELF, l, how));
            }
        }
    }
}

namespace {

/// Halos that travel under work, an arm beside it, and a gathering.
struct arms {
    using layers = chain<conv2d<8, 8, window<3>>, relu, conv2d<8, 8, window<3>>>;
};
struct halos {
    using input = image<8, 60, 60>;
    using layers = chain<conv2d<8, 8, window<5, 1, pad<2>>>, relu, residual<arms>, relu,
                         max_pool<window<2, 2>>, global_avg_pool, dense<8, 10>>;
};

}  // namespace

TEST_CASE("a forward waits for the whole queue once, at its end") {
    const long usual = deferred::queue::pace();
    for (const auto asked :
         {policy::none, policy::rows, policy::tiles, policy::output, policy::input}) {
        const lowered l = lower(graph_of<halos>, halos::input::extents, policy::none, asked);
        const auto plain = run_reference(l, 2);
        for (const long pace : {0L, 1L, 3L}) {
            CAPTURE(name_of(asked), pace);
            deferred::queue::pace() = pace;
            const auto together = run_deferred(MPI_COMM_WORLD, l, {.batch = 2});
            CHECK(difference(together, plain) <= 1e-5);
            if (!cuts_a_sum(l.view())) CHECK(together == plain);
        }
    }
    deferred::queue::pace() = usual;
}

TEST_CASE("between devices that are far from each other kernels go on") {
    deferred::queue::pace() = 1000;
    delayed_messages::delay() = std::chrono::milliseconds(2);
    delayed_messages::looks_in_vain() = 0;
    for (const auto asked : {policy::rows, policy::cols, policy::output, policy::input}) {
        CAPTURE(name_of(asked));
        const lowered l = lower(graph_of<halos>, halos::input::extents, policy::none, asked);
        const auto together =
            run_deferred<mpar_test::deferred_far>(MPI_COMM_WORLD, l, {.batch = 2});
        CHECK(difference(together, run_reference(l, 2)) <= 1e-5);
    }
    CHECK((world_size() == 1 || delayed_messages::looks_in_vain() > 0));
    delayed_messages::delay() = {};
    deferred::queue::pace() = 0;
}

TEST_CASE("devices in a pipeline, in any number of turns") {
    for (unsigned seed = 0; seed < unsigned(mpar_test::effort(6)); ++seed) {
        const mpar_test::random_graph net(seed + 500);
        const auto plain = run_reference(net.lower(policy::none), 4);
        const auto stages = balanced_stages(net.view(), net.input(), world_size());
        const lowered l = net.lower(std::span<const placing>(stages));
        for (const int turns : {0, 1, 2}) {
            INFO("seed " << seed << ", " << turns << " turns: " << net.text());
            const auto together =
                run_deferred(MPI_COMM_WORLD, l, {.batch = 4, .micro_batches = turns});
            CHECK(together == plain);
        }
    }
}
