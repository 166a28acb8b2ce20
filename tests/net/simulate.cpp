// SPDX-License-Identifier: MIT
// Plans on machines that are only described: by hand, by laws, and searched against partitioned.
// timeout: 240
#include "support/catch.hpp"
#include "support/random_graph.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/simulate/simulate.hpp>
#include <mpar/net/graph/walk.hpp>

#include <cmath>

using namespace mpar;

namespace {

cluster some_machine() {
    cluster c;
    c.name = "four ranks a node, three nodes a switch";
    c.ranks_per_node = 4;
    c.nodes_per_group = 3;
    c.node = {4e-7, 1e-10, 3e-11};
    c.group = {2e-6, 1e-10, 8e-11};
    c.whole = {3e-6, 1e-10, 4e-11};
    c.overhead = 3e-7;
    c.copy = 5e-11;
    return c;
}

setting on(int ranks, int data = 1, int batch = 1) {
    setting s;
    s.who = {0, ranks, data};
    s.batch = batch;
    s.block = 8;
    s.winograd_tile = &backend::cpu::winograd_tile<float>;
    return s;
}

/// Bytes, messages and times of both ways, rank by rank; and with the closed form of what all read.
void check_same(const lowered& l, const setting& s) {
    const cluster c = some_machine();
    const simulation each = simulate_each(l.view(), s, c), all = simulate(l.view(), s, c),
                     closed = simulate(l.view(), s, c, 0);
    CHECK(std::ranges::equal(each.sums, all.sums));
    CHECK(std::ranges::equal(each.ends, all.ends));
    CHECK(std::ranges::equal(each.computes, all.computes));
    CHECK(std::ranges::equal(each.sums, closed.sums));
    for (std::size_t r = 0; r < each.ends.size(); ++r) {
        if (closed.ends[r] == Approx(each.ends[r]).epsilon(1e-12)) continue;
        INFO("rank " << r);
        CHECK(closed.ends[r] == each.ends[r]);
    }
}

constexpr policy all_policies[] = {policy::none,  policy::batch,  policy::rows,  policy::cols,
                                   policy::tiles, policy::output, policy::input, policy::grid};

}  // namespace

TEST_CASE("one message between two ranks takes what a sum by hand says") {
    cluster c = some_machine();
    links one(c, 2);
    one.add(0, 1, 1000);
    CHECK(one.seconds(0, 1) == Approx(4e-7 + 1000 * 1e-10));
    CHECK(one.posting(0) == Approx(3e-7 + 1000 * 5e-11));
    CHECK(one.taking(1, true) == Approx(3e-7 + 1000 * 5e-11));
    CHECK(one.posting(1) == 0);
    CHECK(one.at(1).sum == traffic{.bytes_received = 1000, .messages_received = 1});
}

TEST_CASE("two on one link take twice as long, on links of their own no longer") {
    cluster c = some_machine();
    c.group.shared = 1e-9;
    const long bytes = 1'000'000;
    links one(c, 8), two(c, 12);
    one.add(0, 4, bytes);
    two.add(0, 4, bytes);
    two.add(1, 8, bytes);  // leaves node 0 as well
    const double alone = one.seconds(0, 4) - c.group.alpha;
    CHECK(alone == Approx(double(bytes) * c.group.shared));
    CHECK(two.seconds(0, 4) - c.group.alpha == Approx(2 * alone));
    links apart(c, 12);
    apart.add(0, 4, bytes);
    apart.add(5, 8, bytes);  // comes into node 1 what leaves it: directions are apart
    CHECK(apart.seconds(0, 4) == Approx(one.seconds(0, 4)));
    links within(c, 8);
    within.add(0, 1, bytes);
    within.add(2, 3, bytes);
    CHECK(within.seconds(0, 1) - c.node.alpha == Approx(double(bytes) * 1e-10));
    within.add(1, 2, 10 * bytes);
    CHECK(within.seconds(0, 1) - c.node.alpha > 3 * double(bytes) * 1e-10);
}

TEST_CASE("between switches the uplink is shared, below one it is not") {
    cluster c = some_machine();
    c.whole.shared = 5e-9;
    links all(c, 24);
    all.add(0, 12, 1000);
    all.add(4, 16, 1000);
    all.add(0, 4, 1000);
    CHECK(all.seconds(0, 12) == Approx(3e-6 + 2000 * 5e-9));
    CHECK(all.seconds(0, 4) == Approx(2e-6 + 2000 * 1e-10));
}

TEST_CASE("one rank only computes") {
    const auto l = lower(graph_of<resnet18>, resnet18::input::extents, policy::none, policy::rows);
    const auto one = simulate(l.view(), on(1), some_machine());
    CHECK(one.total() == traffic{});
    CHECK(one.seconds() == one.compute_seconds());
    CHECK(one.seconds() > 3.6e9 * 1e-11 / 4);  // Winograd's filtering has fewer products
    CHECK(one.ends == simulate_each(l.view(), on(1), some_machine()).ends);
}

TEST_CASE("a worse machine is slower") {
    const auto l = lower(graph_of<resnet18>, resnet18::input::extents, policy::none, policy::rows);
    const cluster usual = some_machine();
    const double before = simulate(l.view(), on(8), usual).seconds();
    const auto slower = [&](auto change) {
        cluster c = usual;
        change(c);
        return simulate(l.view(), on(8), c).seconds() > before;
    };
    CHECK(slower([](cluster& c) { c.rank.of(work::winograd).flop *= 2; }));
    CHECK(slower([](cluster& c) { c.rank.of(work::pass).tensor *= 2; }));
    CHECK(slower([](cluster& c) { c.rank.step *= 2; }));
    CHECK(slower([](cluster& c) { c.overhead *= 2; }));
    CHECK(slower([](cluster& c) { c.copy *= 2; }));
    CHECK(slower([](cluster& c) { c.node.alpha = c.group.alpha = 1e-3; }));
    CHECK(slower([](cluster& c) { c.node.beta = c.group.beta = 1e-6; }));
}

TEST_CASE("searched messages are partition()'s: resnet18, all policies") {
    for (const policy p : all_policies) {
        const auto l = lower(graph_of<resnet18>, resnet18::input::extents, policy::none, p);
        REQUIRE(!l.wrong);
        for (const int ranks : {2, 3, 4, 8, 11}) {
            INFO(name_of(p) << " on " << ranks);
            check_same(l, on(ranks));
        }
        INFO(name_of(p) << " with a data axis");
        check_same(l, on(6, 3, 2));
        check_same(l, on(8, 2, 5));
    }
}

TEST_CASE("searched messages are partition()'s: nets drawn from a seed, up to 64 ranks") {
    for (int ranks = 1; ranks <= 64; ++ranks) {
        const mpar_test::random_graph net(unsigned(ranks), true);
        for (const auto& asked : {choice{}, choice{all_policies[ranks % 8]}}) {
            const auto l = net.lower(asked);
            if (l.wrong) continue;
            INFO(ranks << " ranks: " << net.text());
            check_same(l, on(ranks, 1, 1 + ranks % 3));
            for (const int data : {2, 4}) {
                if (ranks % data == 0) check_same(l, on(ranks, data, 1 + ranks % 7));
            }
        }
    }
}

TEST_CASE("many ranks take seconds, and one image on them no less than its latencies") {
    const auto l = lower(graph_of<resnet18>, {1, 3, 1024, 1024}, policy::none, policy::rows);
    const auto many = simulate(l.view(), on(4096, 16, 16), some_machine());
    CHECK(many.sums.size() == 4096);
    CHECK(many.total().bytes_sent == many.total().bytes_received);
    CHECK(many.total().messages_sent == many.total().messages_received);
    CHECK(many.seconds() > many.compute_seconds());
    CHECK(many.seconds() < simulate(l.view(), on(16, 16, 16), some_machine()).seconds());
}
