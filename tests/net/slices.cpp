// SPDX-License-Identifier: MIT
// A batch some images at a time: the same bits, less memory, on any number of ranks.
// ranks: 1 2 4
// timeout: 200
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/joined.hpp"
#include "support/random_graph.hpp"
#include "support/run_graph.hpp"

#include <mpar/models/efficientnet_lite.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/describe.hpp>
#include <mpar/net/graph/walk.hpp>

#include <tuple>

using namespace mpar;

namespace {

/// The vector kernels on a machine of small caches.
template <long Bytes>
struct small_cache : backend::cpu {
    static constexpr long cache_bytes = Bytes;
};
/// And on one that has none.
using whole_batch = small_cache<0>;

template <class Backend>
part alone(const plan& p, int batch) {
    return partition(p, setting_on<Backend, float>({}, batch));
}

/// A slicing in which one image fits, then one of several, and a tail that fits whole.
struct shrinking {
    using input = image<3, 128, 128>;
    using layers = chain<
        conv2d<3, 32, window<7, 2>>, relu, max_pool<window<3, 1>>,
        residual<chain<conv2d<32, 32, window<3>>, relu, conv2d<32, 32, window<3>>>, identity>, relu,
        conv2d<32, 32, window<3, 2>>, relu,
        residual<chain<conv2d<32, 32, window<1>>, relu, conv2d<32, 32, window<3>>>, identity>, relu,
        conv2d<32, 32, window<3, 2>>, relu, global_avg_pool, flatten, dense<32, 10>>;
};

/// Arms that lie in what they are joined to.
struct joined {
    using input = image<16, 48, 48>;
    using layers =
        chain<conv2d<16, 32, window<3>>, relu,
              concat<identity, chain<conv2d<32, 32, window<1>>, relu, conv2d<32, 16, window<3>>>>,
              conv2d<48, 48, window<3>>, relu,
              concat<chain<conv2d<48, 16, window<3>>, relu>, identity>, max_pool<window<2, 2>>,
              conv2d<64, 16, window<3>>, global_avg_pool, flatten, dense<16, 5>>;
};

/// Images cut between ranks, then gathered by a layer with padding.
struct gathered {
    using input = image<3, 80, 80>;
    using layers = chain<conv2d<3, 32, window<3>, shard::batch>, relu,
                         conv2d<32, 32, window<3>, shard::batch>, relu,
                         conv2d<32, 32, window<3>, shard::batch>, relu, conv2d<32, 16, window<5>>>;
};

}  // namespace

TEST_CASE("slices of steps without messages, in their order, of less memory") {
    const plan& p = plan_of<resnet50>;
    const part batch = alone<backend::cpu>(p, 8), sliced = alone<small_cache<8 << 20>>(p, 8);
    REQUIRE(sliced.slices.size() >= 2);
    CHECK(alone<whole_batch>(p, 8).slices.empty());
    CHECK(alone<backend::cpu>(p, 1).slices.empty());
    CHECK(2 * batch.arena_bytes < alone<whole_batch>(p, 8).arena_bytes);
    int end = 0, images = 0;
    for (const auto& s : sliced.slices) {
        CHECK(s.first >= end);
        CHECK(s.end > s.first + 1);
        CHECK(s.images >= images);  // towards the end images are small
        CHECK(s.images < 8);
        end = s.end, images = s.images;
        for (int i = s.first; i < s.end; ++i) CHECK(sliced.images_at_a_time(i) == s.images);
        for (std::size_t t = 0; t < p.tensors.size(); ++t) {
            const bool stays = p.tensors[t].producer < s.first || p.tensors[t].last_reader >= s.end;
            const bool born = p.tensors[t].producer >= s.first && p.tensors[t].producer < s.end;
            if (born) CHECK(sliced.tensors[t].images == (stays ? 0 : s.images));
        }
    }
    CHECK(sliced.images_at_a_time(int(p.steps.size()) - 1) == 8);
    CHECK(describe(p, sliced).find("of 8 images at a time\n") != std::string::npos);
    CHECK(describe(p, alone<whole_batch>(p, 8)).find("at a time") == std::string::npos);
}

TEST_CASE("an exchange ends a slicing") {
    using net = efficientnet_lite0;
    const setting on = setting_on<small_cache<4 << 20>, float>({1, 3}, 8);
    const lowered l = lower(graph_of<net>, net::input::extents, policy::rows);
    const part mine = partition(l.view(), on);
    CHECK_FALSE(mine.exchanges.empty());
    CHECK_FALSE(mine.slices.empty());
    for (const auto& s : mine.slices) {
        for (const auto& e : mine.exchanges) {
            CHECK_FALSE((e.before_step > s.first && e.before_step < s.end));
        }
    }
}

TEMPLATE_TEST_CASE("nets in slices give the bits of whole batches", "", shrinking, joined, gathered) {
    for (const int batch : {5, 2}) {
        const auto whole = mpar_test::forward_on<TestType, whole_batch>(MPI_COMM_SELF, {.batch = batch});
        const auto check = [&](auto which) {
            using B = decltype(which);
            CHECK_FALSE(alone<B>(plan_of<TestType>, 5).slices.empty());
            const auto sliced = mpar_test::forward<TestType, B>(batch);
            CHECK(mpar_test::same_bits(sliced, whole));
        };
        check(small_cache<1'500'000>{});
        if (mpar_test::stride() > 1) break;  // under sanitizers
        check(small_cache<4'000'000>{});
    }
}

TEST_CASE("random nets in slices give the bits of whole batches") {
    using small = small_cache<20'000>;
    int sliced = 0;
    const int count = mpar_test::effort(20);
    for (int seed = 0; seed < count; ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 5000u, seed % 2 == 1);
        const options how{.batch = 2 + seed % 3, .team = seed % 4 ? teaming::claim : teaming::off};
        INFO("seed " << seed << ": " << net.text());
        const auto one = mpar_test::run_graph<whole_batch, float>(MPI_COMM_WORLD, net.lower(), how);
        const auto two = mpar_test::run_graph<small, float>(MPI_COMM_WORLD, net.lower(), how);
        CHECK(mpar_test::same_bits(one.values, two.values));
        CHECK(two.measured == two.predicted);
        const lowered l = net.lower();
        sliced += !partition(l.view(), setting_on<small, float>({}, how.batch)).slices.empty();
    }
    CHECK(4 * sliced > count);
}
