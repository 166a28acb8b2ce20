// SPDX-License-Identifier: MIT
// Pads and products against torch (tests/data/operators.py), in float and double, under every policy.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/joined.hpp"
#include "support/oracle.hpp"

using namespace mpar;
using namespace mpar_test;

namespace {

template <class... Layers>
struct net {
    using input = image<5, 9, 7>;
    using layers = chain<Layers...>;
};
template <class... Layers>
struct sequence {
    using layers = chain<Layers...>;
};
template <class Fill>
using padded = net<pad2d<pad<3, 2, 1, 4>, Fill>>;

/// In float under every policy and team; in double on all ranks.
template <class Net>
void equals_torch(const std::string& name) {
    INFO(name);
    const auto wanted = expected("operators", name);
    each_backend([&](auto b) {
        CHECK(relative_difference(forward<Net, decltype(b)>(2), wanted) < 1e-6);
        for (const auto asked :
             {policy::follow, policy::rows, policy::cols, policy::tiles, policy::output}) {
            const auto plan = lower(graph_of<Net>, Net::input::extents, Net::input::given, asked);
            const auto wide = run_graph<decltype(b), double>(MPI_COMM_WORLD, plan, {.batch = 2});
            const std::vector<float> rounded(wide.values.begin(), wide.values.end());
            CHECK(relative_difference(rounded, wanted) < 1e-7);
        }
    });
}

}  // namespace

TEST_CASE("borders as torch pads") {
    equals_torch<padded<fill_reflect>>("pad_reflect");
    equals_torch<padded<fill_edge>>("pad_edge");
    equals_torch<padded<fill_constant<std::ratio<3, 4>>>>("pad_constant");
    equals_torch<net<conv2d<5, 8, window<3, 2>, shard::rows>, relu, pad2d<pad<2>, fill_reflect>,
                     conv2d<8, 6, window<3, 1, pad<0>>, shard::output>, pad2d<pad<1>, fill_edge>,
                     conv2d<6, 4, window<3, 2, pad<0>>>>>("pad_between");
}

TEST_CASE("products as torch broadcasts them") {
    equals_torch<net<product<identity, identity>>>("product_of_itself");
    equals_torch<net<product<identity, global_avg_pool>>>("product_with_gate");
    equals_torch<net<conv2d<5, 8, window<3>, shard::rows>, relu,
                     product<identity, sequence<global_avg_pool, conv2d<8, 3, window<1>>, relu,
                                                conv2d<3, 8, window<1>>>>>>("squeeze_excite");
    equals_torch<net<product<conv2d<5, 6, window<1>>, conv2d<5, 6, window<3>>>, silu>>(
        "product_of_two");
}
