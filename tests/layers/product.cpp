// SPDX-License-Identifier: MIT
// Products of two tensors and of channels by a gate: values, the same on any number of ranks and cuts.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/joined.hpp"

using namespace mpar;
using namespace mpar_test;

namespace {

template <int C, class... Layers>
struct net {
    using input = image<C, 9, 7>;
    using layers = chain<Layers...>;
};
template <class... Layers>
struct sequence {
    using layers = chain<Layers...>;
};

/// Squeeze and excite: what the channels' means make of themselves scales them.
template <int C, int Few, class P>
using excited = product<identity, sequence<global_avg_pool, conv2d<C, Few, window<1>, P>, relu,
                                           conv2d<Few, C, window<1>, P>>>;

}  // namespace

TEST_CASE("each element by its own, each channel by its gate") {
    each_backend([](auto b) {
        using B = decltype(b);
        const auto x = images_of({2, 6, 9, 7});
        const auto square = forward<net<6, product<identity, identity>>, B>(2);
        const auto mean = forward<net<6, global_avg_pool>, B>(2);
        const auto gated = forward<net<6, product<identity, global_avg_pool>>, B>(2);
        REQUIRE(square.size() == x.size());
        REQUIRE(gated.size() == x.size());
        bool is_square = true, is_gated = true;
        for (std::size_t i = 0; i < x.size(); ++i) {
            is_square = is_square && square[i] == x[i] * x[i];
            is_gated = is_gated && gated[i] == x[i] * mean[i / 63];
        }
        CHECK(is_square);
        CHECK(is_gated);
    });
}

TEST_CASE("products of every kind on any number of ranks, whatever the policy") {
    each_backend([](auto b) {
        using B = decltype(b);
        forward<net<5, conv2d<5, 20, window<3>, shard::rows>, excited<20, 3, shard::none>, relu,
                    conv2d<20, 8, window<3, 2>, shard::cols>>,
                B>(2);
        forward<net<16, conv2d<16, 33, window<3>, shard::output>, excited<33, 8, shard::output>,
                    product<conv2d<33, 12, window<1>, shard::rows>,
                            conv2d<33, 12, window<3>, shard::output>>,
                    silu>,
                B>(3);
        // in a residual block, as EfficientNet has it; a body that others read, too
        forward<net<8,
                    residual<sequence<conv2d<8, 16, window<3>, shard::rows>, relu,
                                      excited<16, 4, shard::batch>,
                                      conv2d<16, 8, window<1>, shard::rows>>>,
                    relu, residual<product<identity, identity>>>,
                B>(2);
    });
}

TEST_CASE("sums that are cut end in products") {
    using wide = net<16, conv2d<16, 32, window<3>, shard::output>,
                     product<conv2d<32, 24, window<3>, shard::input>,
                             sequence<global_avg_pool, conv2d<32, 24, window<1>, shard::input>>>,
                     relu>;
    const auto alone =
        forward_on<wide, backend::cpu>(MPI_COMM_SELF, {.batch = 2, .reproducible = true});
    const auto all = forward_on<wide, backend::cpu>(
        MPI_COMM_WORLD, {.batch = 2, .team = teaming::off, .reproducible = true});
    int ranks = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ranks != 3) CHECK(same_bits(all, alone));
    REQUIRE(all.size() == alone.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (std::abs(all[i] - alone[i]) > 1e-4f)
            FAIL_CHECK(i << ": " << all[i] << ", " << alone[i]);
    }
}

TEST_CASE("products in double") {
    const auto both = [](MPI_Comm comm) {
        using wide = net<4, conv2d<4, 10, window<3>, shard::rows>, excited<10, 2, shard::output>>;
        const auto l = lower(graph_of<wide>, wide::input::extents, wide::input::given);
        return run_graph<backend::cpu, double>(comm, l, {.batch = 2, .team = teaming::off}).values;
    };
    CHECK(both(MPI_COMM_WORLD) == both(MPI_COMM_SELF));
}

TEST_CASE("a gate of other channels or rows is refused in a sentence") {
    const auto said = [](const auto& of) {
        return sentence(lower(of, {1, 6, 9, 7}, policy::none).wrong);
    };
    CHECK_THAT(said(graph_of<net<6, product<identity, channels<0, 5>>>>),
               Catch::Matchers::ContainsSubstring(
                   "product's body gives an extent of 6, its gate gives 5"));
    CHECK_THAT(said(graph_of<net<6, product<identity, max_pool<window<3, 2>>>>>),
               Catch::Matchers::ContainsSubstring("extent of 9, its gate gives 5"));
}
