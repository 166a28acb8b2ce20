// SPDX-License-Identifier: MIT
// The door: networks that are moved, images that differ between ranks, pipelines of cut inputs.
// ranks: 1 2 3
#include "support/catch.hpp"
#include "support/joined.hpp"

#include <mpar/models/seeded.hpp>

using namespace mpar;
using namespace mpar_test;

namespace {

template <class Policy>
struct net {
    using input = image<3, 12, 12, Policy>;
    using layers = chain<conv2d<3, 16, window<3>, shard::rows>, relu,
                         conv2d<16, 8, window<3>, shard::output>, global_avg_pool, dense<8, 5>>;
};

std::vector<float> images_for(const shape& s, float first = 0) {
    std::vector<float> x(std::size_t(s.count()));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = first + float(i % 23) - 11;
    return x;
}

}  // namespace

TEST_CASE("a network that was moved from says so; one that was assigned to works") {
    using network_type = network<net<shard::none>>;
    network_type a(MPI_COMM_WORLD);
    load_seeded(a);
    const auto x = images_for(a.input_box().extents());
    const auto y = a.forward(x);
    network_type b(std::move(a));
    CHECK(b.forward(x) == y);
    CHECK_THROWS_WITH(a.forward(x), Catch::Matchers::ContainsSubstring("was moved from"));
    CHECK_THROWS_WITH(a.comm(), Catch::Matchers::ContainsSubstring("was moved from"));
    CHECK_THROWS_WITH(load_seeded(a), Catch::Matchers::ContainsSubstring("was moved from"));

    network_type other(MPI_COMM_WORLD, {.batch = 2, .team = teaming::off});
    load_seeded(other);
    other = std::move(b);  // its own engine ends here, on all ranks
    CHECK(other.forward(x) == y);
    a = std::move(other);
    CHECK(a.forward(x) == y);
    CHECK_THROWS_AS(other.unload(), error);
}

TEST_CASE("a pipeline with a batch takes an input that is cut between ranks") {
    using cut_net = net<shard::rows>;
    using whole_net = net<shard::none>;
    const options how{.batch = 4, .asked = policy::stage, .team = teaming::off};
    network<cut_net> cut_input(MPI_COMM_WORLD, how);
    network<whole_net> whole_input(MPI_COMM_WORLD, how);
    load_seeded(cut_input);
    load_seeded(whole_input);
    const shape all = whole_input.input_box().extents();
    const auto x = images_for(all);
    const box mine = cut_input.input_box();
    std::vector<float> part(std::size_t(mine.count()));
    const auto whole_view = dense_view(x.data(), all), from = whole_view.part(mine);
    const auto to = dense_view(part.data(), mine.extents());
    for (int n = 0; n < all.n; ++n)
        for (int c = 0; c < 3; ++c)
            for (int h = 0; h < mine.h.size(); ++h)
                for (int w = 0; w < all.w; ++w) to(n, c, h, w) = from(n, c, h, w);
    CHECK(same_bits(cut_input.forward(part), whole_input.forward(x)));
}

TEST_CASE("images that differ between ranks are found where options ask for it") {
    int rank = 0, ranks = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (const auto team : {teaming::off, teaming::static_}) {
        network<net<shard::none>> n(MPI_COMM_WORLD, {.team = team, .checked = true});
        load_seeded(n);
        const auto same = images_for(n.input_box().extents());
        const auto y = n.forward(same);
        const auto other = images_for(n.input_box().extents(), rank == ranks - 1 ? 1.0f : 0.0f);
        if (ranks == 1) {
            CHECK_NOTHROW(n.forward(other));
        } else {
            CHECK_THROWS_WITH(n.forward(other), Catch::Matchers::ContainsSubstring(
                                                    "rank " + std::to_string(ranks - 1)));
            CHECK(n.forward(same) == y);  // nothing was begun
        }
    }
}
