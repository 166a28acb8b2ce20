// SPDX-License-Identifier: MIT
// A plan's costs: cases worked out by hand, and bytes and messages as partition() counts them.
#include "support/catch.hpp"
#include "support/random_graph.hpp"

#include <mpar/mpar.hpp>
#include <mpar/net/choose/cost.hpp>
#include <mpar/net/place/partition.hpp>

using namespace mpar;

namespace {

/// A machine of round numbers: 1 s a flop, 1000 s a step, a byte of tensors and filters for nothing.
constexpr machine round_numbers() {
    machine m;
    for (auto& r : m.rates) r = {1, 0, 0};
    m.step = 1000;
    m.node = {100, 1};
    return m;
}

struct two_layers {
    using input = image<16, 8, 8>;
    using layers = chain<conv2d<16, 32, window<3>>, conv2d<32, 16>>;
};

forecast cost(policy p, const setting& s, const machine& m = round_numbers()) {
    const lowered l = lower(graph_of<two_layers>, two_layers::input::extents, policy::none, p);
    return forecast_of(l.view(), s, m);
}

}  // namespace

TEST_CASE("a forward of two layers, worked out by hand") {
    // One rank: 2*16*9 flops for each of 32*64 outputs, 2*32 for each of 16*64.
    const forecast alone = cost(policy::none, {{0, 1}, 1, 16, dtype::f32});
    REQUIRE(alone.steps.size() == 3);
    const double input = 1000;  // bringing the image in is a step
    CHECK(alone.steps[0].compute == 1000 + 2. * 16 * 9 * 32 * 64 + input);
    CHECK(alone.steps[1].compute == 1000 + 2. * 32 * 16 * 64);
    CHECK(alone.bytes == 0);
    CHECK(alone.weights == 4 * (16 * 32 * 9 + 32 * 16));

    // Two ranks, by rows: four rows each, a row of 16 channels comes whole with the image.
    const forecast rows = cost(policy::rows, {{0, 2}, 1, 16, dtype::f32});
    CHECK(rows.steps[0].compute == 1000 + 2. * 16 * 9 * 32 * 32 + input);
    CHECK(rows.steps[0].exchange == 0);
    CHECK(rows.steps[2].exchange == 100 + 4. * 16 * 32);  // half of what is given

    // By channels: the second layer gathers the other half of 32 channels.
    const forecast output = cost(policy::output, {{0, 2}, 1, 16, dtype::f32});
    CHECK(output.steps[0].compute == 1000 + 2. * 16 * 9 * 16 * 64 + input);
    CHECK(output.steps[1].exchange == 100 + 4. * 16 * 64);
    CHECK(output.steps[1].messages == 1);
    CHECK(output.steps[1].bytes == 4 * 16 * 64);

    // By input channels: a rank sums 16 of 32 for all 16 outputs; all are reduced on one rank.
    const forecast input_cut = cost(policy::input, {{0, 2}, 1, 16, dtype::f32});
    CHECK(input_cut.steps.size() == 5);
}

TEST_CASE("seconds grow with every constant of the machine") {
    const setting on{{0, 4}, 2, 16, dtype::f32};
    for (const auto p :
         {policy::rows, policy::output, policy::input, policy::grid, policy::tiles}) {
        const lowered l = lower(graph_of<resnet18>, resnet18::input::extents, policy::none, p);
        const machine m;
        const double before = forecast_of(l.view(), on, m).seconds;
        const auto more = [&](auto change) {
            machine slower = m;
            change(slower);
            return forecast_of(l.view(), on, slower).seconds;
        };
        CHECK(more([](machine& s) { s.node.alpha *= 2; }) > before);
        CHECK(more([](machine& s) { s.node.beta *= 2; }) > before);
        CHECK(more([](machine& s) { s.step *= 2; }) > before);
        for (const work w : {work::window, work::pointwise, work::dense, work::pass}) {
            CHECK(more([&](machine& s) { s.of(w).flop *= 2; }) > before);
        }
        CHECK(more([](machine& s) { s.network.alpha *= 2; }) == before);  // all are on one node
        CHECK(more([](machine& s) {
                  s.ranks_per_node = 2;
                  s.network.alpha = 1;
              }) > before);
    }
}

TEST_CASE("convolutions whose products come in pairs have a rate of their own") {
    setting on{{0, 4}, 2, 16, dtype::f32};
    const lowered l =
        lower(graph_of<resnet50>, resnet50::input::extents, policy::none, policy::rows);
    const auto slowed = [&](work w) {
        machine m;
        m.of(w).flop *= 2;
        return forecast_of(l.view(), on, m).seconds / forecast_of(l.view(), on, machine{}).seconds;
    };
    CHECK(slowed(work::pointwise) > 1.2);
    CHECK(slowed(work::paired) == 1);
    on.winograd_tile = [](const convolution& c, const shape&) { return int(c.window_taps() == 1); };
    CHECK(slowed(work::pointwise) == 1);
    CHECK(slowed(work::paired) > 1.2);
    CHECK(slowed(work::window) > 1.2);
}

TEST_CASE("bytes and messages are those of the rank that receives most") {
    for (unsigned seed = 0; seed < 80; ++seed) {
        const mpar_test::random_graph net(seed, seed % 2);
        for (const auto asked : {std::optional<policy>{}, std::optional(policy::rows),
                                 std::optional(policy::output), std::optional(policy::batch),
                                 std::optional(policy::cols), std::optional(policy::tiles),
                                 std::optional(policy::input), std::optional(policy::grid)}) {
            const lowered l = net.lower(asked);
            setting s{{0, 1 + int(seed % 8)}, 1 + int(seed % 3), seed % 2 ? 1 : 8, dtype::f32};
            s.reproducible = seed % 5 == 0;
            traffic most;
            for (int r = 0; r < s.who.ranks; ++r) {
                setting mine = s;
                mine.who.rank = r;
                const traffic t = partition(l.view(), mine).predicted;
                most.bytes_received = std::max(most.bytes_received, t.bytes_received);
                most.messages_received = std::max(most.messages_received, t.messages_received);
            }
            const forecast f = forecast_of(l.view(), s, machine{});
            INFO("seed " << seed << ", " << s.who.ranks << " ranks: " << net.text());
            CHECK(f.bytes == most.bytes_received);
            CHECK(f.messages == most.messages_received);
        }
    }
}

TEST_CASE("a forward on 65,536 ranks is priced as fast as one on 16") {
    const lowered l =
        lower(graph_of<resnet50>, resnet50::input::extents, policy::none, policy::tiles);
    setting s{{0, 65536}, 1, 16, dtype::f32};
    const forecast f = forecast_of(l.view(), s, machine{});
    CHECK(f.steps.size() == l.steps.size());
    CHECK(f.bytes > 0);
    CHECK(costs(l.view(), s, machine{}).ranks().size() <= 8);
}

TEST_CASE("the cost of a static plan is a constant") {
    constexpr double two =
        forecast_of(plan_of<two_layers>, {{0, 2}, 1, 16, dtype::f32}, {}).seconds;
    STATIC_REQUIRE(two > 0);
}
