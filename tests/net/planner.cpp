// SPDX-License-Identifier: MIT
// The planner: as good as trying everything on small nets, never worse than one policy for all on
// any, the same at compile time as at run time, within the memory that there is.
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/random_graph.hpp"

#include <mpar/mpar.hpp>
#include <mpar/net/choose/planner.hpp>

using namespace mpar;

namespace {

using each_of = std::vector<placing>;

/// Slow messages, so that cuts are worth something and layouts matter.
planning on(int ranks, int batch = 1) {
    planning how;
    how.on = {{0, ranks}, batch, 8, dtype::f32};
    how.all = true;
    return how;
}

double cost_of(graph net, const shape& input, const choice& chosen,
               const planning& how) {
    const lowered l = lower(net, input, policy::none, chosen);
    REQUIRE_FALSE(l.wrong);
    return forecast_of(l.view(), how.on, how.of).seconds;
}

/// The least that any placing of the layers with weights costs.
double cheapest(graph net, const shape& input, const planning& how) {
    constexpr policy all[] = {policy::none,  policy::batch,  policy::rows,  policy::cols,
                              policy::tiles, policy::output, policy::input, policy::grid};
    std::vector<std::size_t> layers;
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (has_filters(net[i].does)) layers.push_back(i);
    }
    each_of each(net.size());
    double best = 1e300;
    const auto try_all = [&](auto& self, std::size_t which) -> void {
        if (which == layers.size()) {
            best = std::min(best, cost_of(net, input, std::span<const placing>(each), how));
            return;
        }
        for (const policy p : all) {
            if (!can_follow(net[layers[which]].does, p)) continue;
            if (!how.sums && !summed_by(p).empty()) continue;
            each[layers[which]] = p;
            self(self, which + 1);
        }
    };
    try_all(try_all, 0);
    return best;
}

template <class Net>
void check_against_all(const planning& how) {
    const graph net = graph_of<Net>;
    const planned found = plan_for(net, Net::input::extents, policy::none, how);
    const double least = cheapest(net, Net::input::extents, how);
    if (how.sums) {
        const bool cuts = std::ranges::any_of(
            found.each, [](const placing& p) { return !summed_by(p.how).empty(); });
        if (cuts) CHECK(found.cost.seconds == Approx(least).epsilon(1e-12));
        CHECK(found.cost.seconds <= 1.05 * least);
    } else {
        CHECK(found.cost.seconds == Approx(least).epsilon(1e-12));
    }
    CHECK(cost_of(net, Net::input::extents, std::span<const placing>(found.each), how) ==
          found.cost.seconds);
}

struct three_in_a_row {
    using input = image<16, 24, 24>;
    using layers = chain<conv2d<16, 32, window<3>>, batch_norm<32>, relu, max_pool<window<2, 2>>,
                         conv2d<32, 64>, conv2d<64, 32, window<3>>>;
};
struct to_a_vector {
    using input = image<8, 16, 12>;
    using layers = chain<conv2d<8, 64, window<3, 2>>, conv2d<64, 64, window<3>, groups<64>>,
                         global_avg_pool, dense<64, 100>, softmax>;
};
struct body {
    using layers = chain<conv2d<32, 16>, relu, conv2d<16, 32, window<3>>, batch_norm<32>>;
};
struct project {
    using layers = chain<conv2d<32, 32>>;
};
struct with_identity {
    using input = image<32, 14, 14>;
    using layers = chain<conv2d<32, 32>, residual<body>, relu>;
};
struct with_two_arms {
    using input = image<32, 14, 14>;
    using layers = chain<residual<body, project>, relu>;
};
struct joined {
    using input = image<32, 14, 14>;
    using layers = chain<concat<identity, conv2d<32, 32, window<3>>, body>, conv2d<96, 16>>;
};

/// Constants under which no layout wins everywhere.
machine slow_messages(double alpha, double beta) {
    machine m;
    m.node = {alpha, beta};
    m.ranks_per_node = 0;
    return m;
}

template <class Net>
void check_on_machines() {
    for (const int ranks : {2, 3, 4, 6}) {
        for (const auto& m : {machine{}, slow_messages(1e-7, 1e-11), slow_messages(2e-5, 1e-10),
                              slow_messages(1e-6, 4e-9)}) {
            planning how = on(ranks, ranks == 3 ? 3 : 1);
            how.of = m;
            for (const bool sums : {false, true}) {
                how.sums = sums;
                check_against_all<Net>(how);
            }
        }
    }
}

}  // namespace

TEST_CASE("chains: as cheap as the cheapest of all placings") {
    check_on_machines<three_in_a_row>();
    check_on_machines<to_a_vector>();
}

TEST_CASE("residuals: as cheap as the cheapest of all placings") {
    check_on_machines<with_identity>();
    check_on_machines<with_two_arms>();
}

TEST_CASE("concats: as cheap as the cheapest of all placings") { check_on_machines<joined>(); }

namespace {

constexpr policy singles[] = {policy::none,  policy::batch,  policy::rows,  policy::cols,
                              policy::tiles, policy::output, policy::input, policy::grid};

/// Whether no policy for all is cheaper, by the twentieth that whole sums may cost.
template <class Net>
planned check_singles(planning how) {
    const graph net = graph_of<Net>;
    const planned found = plan_for(net, Net::input::extents, policy::none, how);
    REQUIRE(found.each.size() == net.size());
    for (const policy p : singles) {
        INFO(name_of<Net>() << ", " << how.on.who.ranks << " ranks: " << name_of(p));
        CHECK(found.cost.seconds <= 1.05 * cost_of(net, Net::input::extents, p, how));
    }
    CHECK(found.cost.seconds <= 1.05 * cost_of(net, Net::input::extents, {}, how));
    return found;
}

}  // namespace

TEST_CASE("no single policy is cheaper on 2 to 1,024 ranks, and each is dearer somewhere") {
    std::vector<policy> beaten;
    for (const int ranks : {2, 3, 4, 6, 8, 12, 16, 64, 256, 1024}) {
        for (const int per_node : {0, 8}) {
            planning how = on(ranks);
            how.on.block = 16;
            how.on.winograd_tile = &backend::cpu::winograd_tile<float>;
            how.of.ranks_per_node = per_node;
            const planned found = check_singles<resnet50>(how);
            for (const policy p : singles) {
                const double single = cost_of(graph_of<resnet50>, resnet50::input::extents, p, how);
                if (found.cost.seconds < 0.99 * single) beaten.push_back(p);
            }
            if (per_node) continue;
            check_singles<resnet18>(how);
            check_singles<efficientnet_lite0>(how);
            if (ranks > 16) continue;
            check_singles<densenet121>(how);
            check_singles<cspdarknet53>(how);
        }
    }
    for (const policy p : singles) CHECK(std::ranges::count(beaten, p) > 0);
}

TEST_CASE("no single policy is cheaper for random nets") {
    for (unsigned seed = 0; seed < unsigned(mpar_test::effort(60)); ++seed) {
        const mpar_test::random_graph net(seed);
        planning how = on(2 + int(seed % 7), 1 + int(seed % 3));
        how.of = slow_messages(seed % 2 ? 2e-6 : 1e-7, seed % 3 ? 2.5e-10 : 1e-11);
        const planned found = plan_for(net.view(), net.input(), policy::none, how);
        INFO("seed " << seed << ": " << net.text());
        REQUIRE_FALSE(found.wrong);
        for (const policy p : singles) {
            CHECK(found.cost.seconds <= 1.05 * cost_of(net.view(), net.input(), p, how));
        }
    }
}

TEST_CASE("a plan keeps to the memory that there is, or says what the least takes") {
    planning how = on(4);
    how.on.block = 16;
    const graph net = graph_of<resnet50>;
    const auto memory = [&](const planned& p) {
        const lowered l =
            lower(net, resnet50::input::extents, policy::none, std::span<const placing>(p.each));
        long most = 0;
        for (int r = 0; r < 4; ++r) {
            setting s = how.on;
            s.who.rank = r;
            most = std::max(most, partition(l.view(), s).arena_bytes);
        }
        return most + forecast_of(l.view(), how.on, how.of).weights;
    };
    const planned free = plan_for(net, resnet50::input::extents, policy::none, how);
    const long takes = memory(free);
    double before = free.cost.seconds;
    for (const double share : {0.9, 0.8, 0.7}) {
        how.memory = long(share * double(takes));
        const planned found = plan_for(net, resnet50::input::extents, policy::none, how);
        REQUIRE_FALSE(found.each.empty());
        CHECK(memory(found) <= how.memory);
        CHECK(found.cost.seconds >= 0.95 * before);
        before = found.cost.seconds;
    }
    how.memory = 1'000'000;
    const planned none = plan_for(net, resnet50::input::extents, policy::none, how);
    CHECK(none.each.empty());
    CHECK(none.least_memory > 4 * 23'000'000 / 4);
}
