// SPDX-License-Identifier: MIT
// Graphs that are made at run time: the plan, the bits and the bytes of an equal net's type.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/joined.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/net/dynamic_network.hpp>

#include <chrono>

using namespace mpar;
using namespace mpar_test;

namespace {

struct body {
    using layers = chain<conv2d<12, 24, window<3>, shard::rows>, batch_norm<24>, relu,
                         product<identity, chain<global_avg_pool, conv2d<24, 24, window<1>>>>,
                         conv2d<24, 12, window<1>, shard::output>, batch_norm<12>>;
};
struct small {
    using input = image<3, 30, 26>;
    using layers =
        chain<pad2d<pad<1>, fill_reflect>, conv2d<3, 12, window<3, 2, pad<0>>, shard::rows>, relu6,
              residual<body>, relu, concat<identity, max_pool<window<3>>, channels<2, 9>>,
              conv2d<31, 16, window<3>, shard::input>, global_avg_pool, dense<16, 7>>;
};

/// What a reader of files would make: each node anew, its name from text.
dynamic_graph copied(const graph& from) {
    dynamic_graph g;
    for (std::size_t i = 0; i < from.size(); ++i) {
        place where = from[i].where;
        const std::string block(where.block), name(from[i].does.name);
        where.block = block;
        g.add(from[i].does, from.inputs(i), name, where);
    }
    return g;
}

template <class Net>
void equals_its_type(const options& o) {
    network<Net> typed(MPI_COMM_WORLD, o);
    dynamic_network<> made(MPI_COMM_WORLD, copied(graph_of<Net>), Net::input::extents, o,
                           Net::input::given);
    CHECK(describe(typed) == describe(made));
    CHECK(typed.predicted() == made.predicted());
    load_seeded(typed);
    load_seeded(made, {});
    const shape in = typed.input_box().extents();
    std::vector<float> x(std::size_t(in.count()));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(i % 37) - 18;
    CHECK(same_bits(typed.forward(x), made.forward(x)));
    CHECK(typed.measured() == made.measured());
}

}  // namespace

TEST_CASE("a run-time graph has its type's plan, bits and bytes under every policy") {
    for (const auto asked :
         {policy::follow, policy::none, policy::batch, policy::rows, policy::cols, policy::output,
          policy::input, policy::stage, policy::automatic}) {
        CAPTURE(name_of(asked));
        equals_its_type<small>({.batch = 2, .asked = asked, .team = teaming::off});
    }
    equals_its_type<small>({.batch = 3});
}

TEST_CASE("a ResNet-50 is planned quickly at run time") {
    // as long as one forward of it by a core of today, by the clock of this test's own yardstick
    const auto seconds_of = [](auto work) {
        const auto began = std::chrono::steady_clock::now();
        work();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    const dynamic_graph g = copied(graph_of<resnet50>);
    double planning = 1e9, adding = 1e9;
    volatile float sum = 0;
    for (int i = 0; i < 5; ++i) {
        planning = std::min(
            planning, seconds_of([&] {
                CHECK_FALSE(
                    lower(g.view(), resnet50::input::extents, policy::none, policy::rows).wrong);
            }));
        adding = std::min(adding, seconds_of([&] {
                              for (int k = 0; k < 10'000'000; ++k) sum = sum + 1.0f;
                          }));
    }
    CHECK(planning < adding * mpar_test::stride());  // 10 million sums that wait for each other
}

TEST_CASE("a wrong graph is one sentence on every rank, as a type's is an error") {
    dynamic_graph g;
    g.add_next(conv2d<3, 8, window<3>>::describe());
    g.add_next(dense<8, 4>::describe());
    CHECK_THROWS_WITH(dynamic_network<>(MPI_COMM_WORLD, std::move(g), {1, 3, 8, 8}),
                      Catch::Matchers::ContainsSubstring("takes vectors of 8 features"));
    dynamic_graph vanishing;
    vanishing.add_next(conv2d<3, 8, window<7, 1, pad<0>>>::describe());
    CHECK_THROWS_WITH(dynamic_network<>(MPI_COMM_WORLD, std::move(vanishing), {1, 3, 6, 9}),
                      Catch::Matchers::ContainsSubstring("window over 7 rows or columns"));
    dynamic_graph none;
    CHECK_THROWS_WITH(none.add(relu::describe(), {1}),
                      Catch::Matchers::ContainsSubstring("reads value 1 before there is one"));
}

TEST_CASE("different nets on the ranks are refused") {
    int rank = 0, ranks = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    dynamic_graph g;
    if (rank == 0) {
        g.add_next(conv2d<3, 8, window<3>>::describe());
    } else {
        g.add_next(conv2d<3, 8, window<5>>::describe());
    }
    const auto make = [&] { dynamic_network<> n(MPI_COMM_WORLD, std::move(g), {1, 3, 8, 8}); };
    if (ranks == 1) {
        CHECK_NOTHROW(make());
    } else {
        CHECK_THROWS_WITH(make(), Catch::Matchers::ContainsSubstring("different nets"));
    }
}
