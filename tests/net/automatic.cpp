// SPDX-License-Identifier: MIT
// shard::automatic: the compiler's plan is the one of the run, and networks compute with either.
// ranks: 1 2 4
#include "support/catch.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

using namespace mpar;

namespace {

struct body {
    using layers = chain<conv2d<32, 16, window<1>, shard::automatic>, relu,
                         conv2d<16, 32, window<3>, shard::automatic>, batch_norm<32>>;
};
struct small {
    using input = image<3, 40, 40>;
    using layers = chain<conv2d<3, 32, window<7, 2>, shard::automatic>, relu,
                         repeat<2, residual<body>>, conv2d<32, 64, window<3, 2>, shard::rows>, relu,
                         global_avg_pool, dense<64, 100, shard::automatic>>;
};

/// Slow work and quick messages: layouts change within the net.
template <int Ranks>
struct odd_mesh : mesh<axis::model<Ranks>> {
    static constexpr machine on = [] {
        machine m;
        for (auto& r : m.rates) r.flop = 1e-10;
        m.node = {1e-7, 1e-11};
        return m;
    }();
};

template <class Net, class Mesh>
void check_same_plan() {
    using backend = backend::cpu;
    const auto& compiled = detail::placings_on<Net, Mesh, backend, float>;
    const planned now = plan_for(graph_of<Net>, Net::input::extents, Net::input::given,
                                 detail::static_planning<Mesh, backend, float>());
    CHECK(std::ranges::equal(compiled, now.each));
    for (std::size_t i = 0; i < compiled.size(); ++i) {
        CHECK(compiled[i].how != policy::automatic);
    }
}

template <class Mesh>
std::vector<float> forward(const options& o) {
    network<small, Mesh> net(MPI_COMM_WORLD, o);
    load_seeded(net);
    const std::vector<float> x(std::size_t(net.input_box().count()), 0.25f);
    return net.forward(x);
}

template <int Ranks>
void check_forward() {
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ranks != Ranks) return;
    options off;
    off.team = teaming::off;
    off.reproducible = true;
    const auto compiled = forward<mesh<axis::model<Ranks>>>(off);
    const auto dynamic = forward<mesh<>>(off);
    options whole = off;
    whole.asked = policy::none;
    const auto alone = forward<mesh<>>(whole);
    CHECK(dynamic == alone);
    REQUIRE(compiled.size() == alone.size());
    for (std::size_t i = 0; i < alone.size(); ++i) {
        CHECK(compiled[i] == Approx(alone[i]).margin(1e-5));
    }
}

}  // namespace

TEST_CASE("the compiler plans as the program does") {
    check_same_plan<small, mesh<axis::model<2>>>();
    check_same_plan<small, mesh<axis::model<4>>>();
    check_same_plan<small, odd_mesh<3>>();
    check_same_plan<small, odd_mesh<4>>();
    check_same_plan<small, mesh<axis::data<2>, axis::model<2>>>();
}

TEST_CASE("layers that ask for nothing else keep their policy") {
    for (const auto& p : {detail::placings_on<small, mesh<axis::model<2>>, backend::cpu, float>,
                          detail::placings_on<small, mesh<axis::model<4>>, backend::cpu, float>}) {
        for (std::size_t i = 0; i < p.size(); ++i) {
            if (graph_of<small>[i].does.asks == placing(policy::rows)) CHECK(p[i] == policy::rows);
        }
    }
}

TEST_CASE("networks compute by their plans, static and dynamic") {
    check_forward<1>();
    check_forward<2>();
    check_forward<4>();
}

TEST_CASE("ranks that were given different machines say so") {
    int rank = 0, ranks = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ranks == 1) return;
    options o;
    o.asked = policy::automatic;
    o.planned_on.emplace();
    if (rank == 1) o.planned_on->step = 1;
    CHECK_THROWS_WITH((network<small>(MPI_COMM_WORLD, o)),
                      "mpar: the ranks were given different machines or policies");
    options some;
    some.placed = {policy::none, policy::rows};
    CHECK_THROWS_WITH((network<small>(MPI_COMM_WORLD, some)),
                      Catch::Matchers::ContainsSubstring("2 policies given, the net has"));
}
