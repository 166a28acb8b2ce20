// SPDX-License-Identifier: MIT
// Borders around images: the values of torch's documentation, the same on any number of ranks and cuts.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/joined.hpp"

using namespace mpar;
using namespace mpar_test;

namespace {

template <int C, int H, int W, class... Layers>
struct net {
    using input = image<C, H, W>;
    using layers = chain<Layers...>;
};

/// The operation on one channel of 3 x 3 pixels, 0 to 8.
template <class Backend, class Pad>
std::vector<float> around_nine() {
    network<net<1, 3, 3, Pad>, mesh<>, Backend> n(MPI_COMM_SELF);
    n.load(parameter_reader<float>([](int, range, float*) {}));
    return n.forward({0, 1, 2, 3, 4, 5, 6, 7, 8});
}

}  // namespace

TEST_CASE("the examples of torch.nn.ReflectionPad2d, ReplicationPad2d, ConstantPad2d") {
    each_backend([](auto b) {
        using B = decltype(b);
        CHECK(around_nine<B, pad2d<pad<2>, fill_reflect>>() ==
              std::vector<float>{8, 7, 6, 7, 8, 7, 6, 5, 4, 3, 4, 5, 4, 3, 2, 1, 0,
                                 1, 2, 1, 0, 5, 4, 3, 4, 5, 4, 3, 8, 7, 6, 7, 8, 7,
                                 6, 5, 4, 3, 4, 5, 4, 3, 2, 1, 0, 1, 2, 1, 0});
        CHECK(around_nine<B, pad2d<pad<2, 0, 1, 1>, fill_reflect>>() ==
              std::vector<float>{7, 6, 7, 8, 7, 4, 3, 4, 5, 4, 1, 0, 1,
                                 2, 1, 4, 3, 4, 5, 4, 7, 6, 7, 8, 7});
        CHECK(around_nine<B, pad2d<pad<2>, fill_edge>>() ==
              std::vector<float>{0, 0, 0, 1, 2, 2, 2, 0, 0, 0, 1, 2, 2, 2, 0, 0, 0,
                                 1, 2, 2, 2, 3, 3, 3, 4, 5, 5, 5, 6, 6, 6, 7, 8, 8,
                                 8, 6, 6, 6, 7, 8, 8, 8, 6, 6, 6, 7, 8, 8, 8});
        CHECK(around_nine<B, pad2d<pad<0, 1, 2, 0>, fill_constant<std::ratio<7, 2>>>>() ==
              std::vector<float>{3.5, 3.5, 0, 1, 2, 3.5, 3.5, 3,   4,   5,
                                 3.5, 3.5, 6, 7, 8, 3.5, 3.5, 3.5, 3.5, 3.5});
    });
}

TEST_CASE("borders of every kind on any number of ranks, whatever the policy") {
    each_backend([](auto b) {
        using B = decltype(b);
        forward<net<5, 9, 7, pad2d<pad<3, 2, 1, 4>, fill_reflect>,
                    conv2d<5, 20, window<3, 2>, shard::rows>, pad2d<pad<2>, fill_edge>,
                    conv2d<20, 18, window<3, 1, pad<0>>, shard::output>,
                    pad2d<pad<1>, fill_constant<std::ratio<-1>>>, relu>,
                B>(2);
        forward<net<3, 4, 30, conv2d<3, 17, window<3>, shard::cols>,
                    pad2d<pad<3, 3, 5, 0>, fill_reflect>, max_pool<window<2, 2>>,
                    pad2d<pad<4>, fill_edge, shard::tiles>>,
                B>(3);
    });
    forward_on<net<6, 11, 10, pad2d<pad<4, 1>, fill_reflect, shard::rows>,
                   conv2d<6, 9, window<3>, shard::tiles>>,
               backend::reference>(MPI_COMM_WORLD, {.batch = 2, .team = teaming::off, .second = 1});
}

TEST_CASE("borders in double") {
    const auto both = [](MPI_Comm comm) {
        using wide = net<4, 8, 6, conv2d<4, 10, window<3>, shard::rows>,
                         pad2d<pad<2>, fill_reflect>, pad2d<pad<1>, fill_constant<>>>;
        const auto l = lower(graph_of<wide>, wide::input::extents, wide::input::given);
        return run_graph<backend::cpu, double>(comm, l, {.batch = 2, .team = teaming::off}).values;
    };
    CHECK(both(MPI_COMM_WORLD) == both(MPI_COMM_SELF));
}

TEST_CASE("a border that would mirror more than there is is refused in a sentence") {
    dynamic_graph g;
    g.add_next(pad2d<pad<0, 4, 0, 0>, fill_reflect>::describe());
    CHECK_THAT(sentence(lower(g.view(), {1, 2, 4, 9}, policy::none).wrong),
               Catch::Matchers::ContainsSubstring(
                   "mirrors 4 rows or columns, the layer before gives 4 (chain position 0"));
    CHECK_FALSE(lower(g.view(), {1, 2, 5, 9}, policy::none).wrong);
}
