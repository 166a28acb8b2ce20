// SPDX-License-Identifier: MIT
// Nets with several inputs and outputs: one rank's bits, and the values of a net that reads all inputs as
// channels of one image and gives one output at a time.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/joined.hpp"

#include <mpar/layers/activations.hpp>
#include <mpar/layers/batch_norm.hpp>
#include <mpar/layers/channels.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/layers/dense.hpp>
#include <mpar/layers/flatten.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/net/describe.hpp>
#include <mpar/net/dynamic_network.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

using namespace mpar;
using namespace mpar_test;

namespace {

constexpr shape image_a{1, 3, 20, 24}, image_b{1, 5, 20, 24}, image_c{1, 8, 20, 24};
constexpr shape all_images{1, 16, 20, 24};

/// Two images through layers of their own, joined; a third is added. Outputs: the joined features, what
/// the layers after them make of the sum, and the second image.
struct three {
    dynamic_graph net;
    int outputs[3] = {};

    void build(int a, int b, int c) {
        a = net.add(conv2d<3, 8, window<3>>::describe(), {a});
        const int own = net.add(conv2d<5, 8, window<5>>::describe(), {b});
        const int joined = net.add(joined_arms(), {a, own});
        const int features = net.add(conv2d<16, 8, window<3>>::describe(), {joined});
        outputs[0] = net.add(batch_norm<8>::describe(), {features});
        net.add(sum_of_arms(), {outputs[0], c});
        net.add_next(relu::describe());
        net.add_next(global_avg_pool::describe());
        net.add_next(flatten::describe());
        outputs[1] = net.add_next(dense<8, 6>::describe());
        outputs[2] = b;
    }
};

dynamic_graph with_inputs() {
    three t;
    const int b = t.net.add_input(image_b, "second"), c = t.net.add_input(image_c, "third");
    t.build(0, b, c);
    for (const int v : t.outputs) t.net.add_output(v);
    return std::move(t.net);
}
/// Output `which` of one image that has all the channels.
dynamic_graph of_one_image(int which) {
    three t;
    const auto slice = [&](auto layer) { return t.net.add(decltype(layer)::describe(), {0}); };
    const int a = slice(channels<0, 3>{}), b = slice(channels<3, 8>{}),
              c = slice(channels<8, 16>{});
    t.build(a, b, c);
    t.net.add_output(t.outputs[which]);
    return std::move(t.net);
}

float value_of(std::uint64_t n) {
    n = (n + 1) * 0x9e3779b97f4a7c15u;
    n ^= n >> 29;
    return float(n % 2001) / 1000 - 1;
}
/// Weights by the parameter's number and element; what is to be a variance is above zero.
void load(dynamic_network<>& net) {
    const auto all = net.steps().parameters;
    const auto read = [&](int index, range rows, float* out) {
        const auto& p = all[std::size_t(index)];
        const long row = p.count() / p.extents[0];
        for (long i = rows.lo * row; i < rows.hi * row; ++i) {
            const float v = value_of(std::uint64_t(index) * 100'000 + std::uint64_t(i));
            *out++ = p.is == role::variance ? 1.5f + v : v;
        }
    };
    net.load(read);
}

/// What a rank passes of an image with channels [first, first + C) of all of them.
std::vector<float> values(const box& given, int first) {
    std::vector<float> x;
    for (int n = given.n.lo; n < given.n.hi; ++n)
        for (int c = given.c.lo; c < given.c.hi; ++c)
            for (int h = given.h.lo; h < given.h.hi; ++h)
                for (int w = given.w.lo; w < given.w.hi; ++w)
                    x.push_back(value_of(std::uint64_t(((n * 16 + c + first) * 20 + h) * 24 + w) +
                                         1'000'000));
    return x;
}

std::vector<std::vector<float>> outputs_of(dynamic_network<>& net) {
    std::vector<std::vector<float>> x, y;
    std::vector<view<const float>> in;
    std::vector<view<float>> out;
    constexpr int first[] = {0, 3, 8};
    for (int i = 0; i < net.inputs(); ++i) {
        x.push_back(values(net.input_box(i), first[i]));
        in.push_back(dense_view(std::as_const(x.back()).data(), net.input_box(i).extents()));
    }
    for (int i = 0; i < net.outputs(); ++i) {
        y.emplace_back(std::size_t(net.output_shape(i).count()));
        out.push_back(dense_view(y.back().data(), net.output_shape(i)));
    }
    net.forward(in, out);
    return y;
}

std::vector<std::vector<float>> by_one_image(options o) {
    std::vector<std::vector<float>> all;
    for (int which = 0; which < 3; ++which) {
        dynamic_network<> net(MPI_COMM_SELF, of_one_image(which), all_images, o);
        load(net);
        all.push_back(outputs_of(net).front());
    }
    return all;
}

float greatest(const std::vector<float>& all) {
    float most = 0;
    for (const float v : all) most = std::max(most, std::abs(v));
    return most;
}
float greatest_difference(std::vector<float> a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
    return greatest(a);
}

void check(const options& o, const placing& given = policy::none) {
    dynamic_network<> net(MPI_COMM_WORLD, with_inputs(), image_a, o, given);
    REQUIRE(net.inputs() == 3);
    REQUIRE(net.outputs() == 3);
    load(net);
    const auto mine = outputs_of(net);
    CHECK(net.measured() == net.predicted());
    const options alone{.batch = o.batch, .exact = o.exact};
    dynamic_network<> one(MPI_COMM_SELF, with_inputs(), image_a, alone);
    load(one);
    const auto wanted = outputs_of(one);
    const auto values = by_one_image(alone);
    for (std::size_t i = 0; i < 3; ++i) {
        INFO("output " << i);
        CHECK(same_bits(mine[i], wanted[i]));
        CHECK(greatest_difference(mine[i], values[i]) < 1e-5f * greatest(values[i]));
    }
}

}  // namespace

TEST_CASE("several inputs and outputs have one rank's bits under every policy") {
    for (const auto asked : {policy::follow, policy::none, policy::batch, policy::rows,
                             policy::cols, policy::tiles, policy::output}) {
        for (const auto how : {teaming::off, teaming::claim, teaming::static_}) {
            CAPTURE(name_of(asked), name_of(how));
            check({.batch = 2, .asked = asked, .team = how, .team_size = 2});
        }
    }
}

TEST_CASE("inputs that come in parts, each rank's own") {
    for (const auto given : {policy::rows, policy::cols, policy::batch}) {
        CAPTURE(name_of(given));
        check({.batch = 4, .asked = policy::rows, .team = teaming::off}, given);
    }
}

TEST_CASE("several inputs and outputs through stages, some images at a time") {
    check({.batch = 4, .asked = policy::stage, .team = teaming::off});
    check({.batch = 4, .asked = policy::stage, .team = teaming::off, .micro_batches = 2});
}

TEST_CASE("the planner places nets with several inputs, and describe() shows their ends") {
    check({.batch = 2, .asked = policy::automatic, .exact = true, .team = teaming::off});
    const dynamic_network<> net(MPI_COMM_SELF, with_inputs(), image_a);
    const std::string text = describe(net);
    std::size_t ends = 0;
    for (std::size_t at = text.find("result"); at != std::string::npos;
         at = text.find("result", at + 1)) {
        ++ends;
    }
    CHECK(ends == 3);
}

TEST_CASE("a wrong number of inputs or outputs, or other extents, are one sentence") {
    dynamic_network<> net(MPI_COMM_WORLD, with_inputs(), image_a, {.team = teaming::off});
    load(net);
    std::vector<float> x(16 * 20 * 24), y(16 * 20 * 24);
    CHECK_THROWS_WITH(net.forward(std::vector<float>(3 * 20 * 24)),
                      Catch::Matchers::ContainsSubstring("1 inputs given, the network has 3"));
    const view<const float> in = dense_view(std::as_const(x).data(), image_a);
    const view<float> out = dense_view(y.data(), image_a);
    const view<const float> two[] = {in, in}, same[] = {in, in, in};
    const view<float> outs[] = {out, out, out};
    CHECK_THROWS_WITH(net.forward(two, outs),
                      Catch::Matchers::ContainsSubstring("2 inputs given, the network has 3"));
    CHECK_THROWS_WITH(net.forward(same, outs),
                      Catch::Matchers::ContainsSubstring("images given are [1, 3, 20, 24], the "
                                                         "network takes [1, 5, 20, 24]"));
}

TEST_CASE("inputs of other extents on the ranks are other nets") {
    int rank = 0, ranks = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    dynamic_graph g;
    const int second = g.add_input({1, 3, 8, rank == 0 ? 8 : 9});
    g.add(conv2d<3, 4, window<3>>::describe(), {second});
    const auto make = [&] { dynamic_network<> n(MPI_COMM_WORLD, std::move(g), {1, 3, 8, 8}); };
    if (ranks == 1) {
        CHECK_NOTHROW(make());
    } else {
        CHECK_THROWS_WITH(make(), Catch::Matchers::ContainsSubstring("different nets"));
    }
}

TEST_CASE("what no output needs is computed into memory of its own") {
    dynamic_graph g;
    const int a = g.add(conv2d<3, 4, window<3>>::describe(), {0});
    g.add(conv2d<4, 32, window<3>>::describe(), {a});
    g.add_next(conv2d<32, 32, window<3>>::describe());
    g.add_output(a);
    dynamic_graph alone;
    alone.add(conv2d<3, 4, window<3>>::describe(), {0});
    dynamic_network<> both(MPI_COMM_WORLD, std::move(g), {1, 3, 8, 8});
    dynamic_network<> one(MPI_COMM_WORLD, std::move(alone), {1, 3, 8, 8});
    load(both);
    load(one);
    const std::vector<float> x = values(one.input_box(), 0);
    CHECK(same_bits(both.forward(x), one.forward(x)));
}

TEST_CASE("an input that nobody reads, and one that has no pixels") {
    dynamic_graph g;
    g.add_input({1, 2, 5, 5});
    g.add(conv2d<3, 4, window<3>>::describe(), {0});
    dynamic_network<> net(MPI_COMM_WORLD, std::move(g), {1, 3, 8, 8});
    CHECK(net.inputs() == 2);
    CHECK(net.output_shape() == shape{1, 4, 8, 8});
    CHECK_THROWS_WITH(dynamic_graph().add_input({1, 2, 0, 5}),
                      Catch::Matchers::ContainsSubstring("an input of 2 x 0 x 5 has no elements"));
}
