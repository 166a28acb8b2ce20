// SPDX-License-Identifier: MIT
// Which cuts a layer can give, follows and takes, derived from what its outputs read; its cost.
#include "support/catch.hpp"

#include <mpar/layers/activations.hpp>
#include <mpar/layers/flatten.hpp>
#include <mpar/layers/identity.hpp>
#include <mpar/layers/pad2d.hpp>
#include <mpar/layers/softmax.hpp>
#include <mpar/models/cspdarknet.hpp>
#include <mpar/models/densenet.hpp>
#include <mpar/models/efficientnet_lite.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/place/partition.hpp>
#include <mpar/net/plan/static_plan.hpp>

using namespace mpar;

namespace {

constexpr layout all[] = {layout::replicate, layout::shard_n, layout::shard_c, layout::shard_h};

constexpr operation conv = conv2d<16, 32, window<3>>::describe();
constexpr operation grouped = conv2d<16, 32, window<3>, groups<4>>::describe();
constexpr operation depthwise = depthwise_conv2d<16, window<3>>::describe();
constexpr operation fc = dense<16, 32>::describe();
constexpr operation pool = max_pool<window<3>>::describe();
constexpr operation flat = flatten::describe();
constexpr operation soft = softmax::describe();
constexpr operation sums = phases_of({1, 16, 7, 7})[0];
constexpr operation mean = phases_of({1, 16, 7, 7})[1];
constexpr operation act = relu::describe();
constexpr operation sum = add_op{};
constexpr operation padded = pad2d<pad<1>, fill_reflect>::describe();
constexpr operation gated =
    resolve(multiply_op{}, std::array{shape{1, 16, 7, 7}, shape{1, 16, 1, 1}});
constexpr operation taken = channels<3, 9>::describe();
constexpr operation arm = arm_of_concat(16);

struct blur {
    static constexpr operation describe() { return windowed<blur, window<3>>(); }
};
struct mixes {
    static constexpr operation describe() { return channel_mixing<mixes, 16, 8>(); }
};

/// Which of the four layouts a layer can give: replicate, N, C, H.
struct gives_row {
    const char* name;
    operation o;
    bool n, c, h;
};
const gives_row can[] = {{"conv", conv, true, true, true},
                         {"grouped", grouped, true, true, true},
                         {"depthwise", depthwise, true, true, true},
                         {"dense", fc, true, true, false},
                         {"pool", pool, true, true, true},
                         {"flatten", flat, true, false, false},
                         {"softmax", soft, true, false, true},
                         {"row sums", sums, true, true, true},
                         {"mean of rows", mean, true, true, false},
                         {"relu", act, true, true, true},
                         {"sum", sum, true, true, true},
                         {"pad", padded, true, true, true},
                         {"product", gated, true, true, true},
                         {"taken channels", taken, true, true, true},
                         {"an arm", arm, true, true, true},
                         {"a user's window", blur::describe(), true, true, true},
                         {"a user's mix", mixes::describe(), true, false, true}};

template <class Net>
double gflops(int batch = 1) {
    const part mine = partition(plan_of<Net>, {{0, 1}, batch, 8, dtype::f32});
    long flops = 0;
    for (const auto& s : mine.steps) flops += s.flops;
    return double(flops) * 1e-9;
}

}  // namespace

TEST_CASE("what each layer can give") {
    for (const auto& row : can) {
        INFO(row.name);
        CHECK(can_follow(row.o, policy::none));
        CHECK(can_follow(row.o, policy::batch) == row.n);
        CHECK(can_follow(row.o, policy::output) == row.c);
        CHECK(can_follow(row.o, policy::rows) == row.h);
    }
}

TEST_CASE("a policy is obeyed whatever comes in") {
    for (const layout x : all) {
        CHECK(output_layout(conv, policy::none, x) == layout::replicate);
        CHECK(output_layout(conv, policy::batch, x) == layout::shard_n);
        CHECK(output_layout(conv, policy::rows, x) == layout::shard_h);
        CHECK(output_layout(conv, policy::output, x) == layout::shard_c);
    }
    STATIC_REQUIRE(given_by(policy::follow) == layout::replicate);
}

TEST_CASE("following keeps the cut, and stops where a sum over it would begin") {
    for (const auto& row : can) {
        for (const layout x : all) {
            INFO(row.name << " after " << name_of(x));
            const index_map a = index_map_of(row.o);
            layout expected = x;
            if (x == layout::shard_c && a.mixes_channels()) expected = layout::replicate;
            if (x == layout::shard_h && a.all_rows)
                expected = a.mixes_channels() ? layout::replicate : layout::shard_c;
            CHECK(output_layout(row.o, policy::follow, x) == expected);
        }
    }
    STATIC_REQUIRE(output_layout(mean, policy::follow, layout::shard_h) == layout::shard_c);
    STATIC_REQUIRE(output_layout(flat, policy::follow, layout::shard_h) == layout::replicate);
    STATIC_REQUIRE(output_layout(soft, policy::follow, layout::shard_c) == layout::replicate);
}

TEST_CASE("what a layer takes to give a cut: the same, or the whole where it mixes") {
    for (const auto& row : can) {
        INFO(row.name);
        const index_map a = index_map_of(row.o);
        CHECK(input_layout(a, layout::replicate) == layout::replicate);
        CHECK(input_layout(a, layout::shard_n) == layout::shard_n);
        CHECK(input_layout(a, layout::shard_h) ==
              (a.all_rows ? layout::replicate : layout::shard_h));
        const bool whole_channels = a.mixes_channels() && a.channels != channel_map::grouped;
        CHECK(input_layout(a, layout::shard_c) ==
              (whole_channels ? layout::replicate : layout::shard_c));
    }
    STATIC_REQUIRE(input_layout(index_map_of(conv), layout::shard_c) == layout::replicate);
    STATIC_REQUIRE(input_layout(index_map_of(grouped), layout::shard_c) == layout::shard_c);
    STATIC_REQUIRE(input_layout(index_map_of(depthwise), layout::shard_c) == layout::shard_c);
    STATIC_REQUIRE(input_layout(index_map_of(gated, 1), layout::shard_h) == layout::replicate);
    STATIC_REQUIRE(input_layout(index_map_of(gated, 1), layout::shard_c) == layout::shard_c);
}

TEST_CASE("flops of layers, of the whole and of a part") {
    const shape x{2, 16, 10, 12};
    const box y = whole({2, 32, 10, 12}), half{{0, 2}, {0, 32}, {0, 5}, {0, 12}};
    CHECK(flops(conv, y, x) == 2L * 2 * 32 * 10 * 12 * 16 * 9);
    CHECK(flops(conv, half, x) * 2 == flops(conv, y, x));
    CHECK(flops(grouped, y, x) * 4 == flops(conv, y, x));
    CHECK(flops(depthwise, whole(x), x) == 2L * x.count() * 9);
    CHECK(flops(fc, whole({2, 32, 1, 1}), {2, 16, 1, 1}) == 2 * 2 * 32 * 16);
    CHECK(flops(batch_norm<16>::describe(), whole(x), x) == 2 * x.count());
    CHECK(flops(act, whole(x), x) == x.count());
    CHECK(flops(sum, whole(x), x) == x.count());
    CHECK(flops(pool, whole(x), x) == 9 * x.count());
    CHECK(flops(sums, whole({2, 16, 10, 1}), x) == x.count());
    CHECK(flops(mean, whole({2, 16, 1, 1}), {2, 16, 10, 1}) == 2 * 16 * 10);
    CHECK(flops(blur::describe(), whole(x), x) == x.count());
    CHECK(flops(flat, whole({2, 1920, 1, 1}), x) == 0);
    CHECK(flops(identity::describe(), whole(x), x) == 0);
    CHECK(flops(conv, box{}, x) == 0);
}

TEST_CASE("flops of known networks, an image") {
    // multiply-adds as the papers and torchvision count them, times two
    CHECK(gflops<resnet50>() == Approx(8.2).epsilon(0.01));
    CHECK(gflops<resnet18>() == Approx(2 * 1.814).epsilon(0.01));
    CHECK(gflops<resnet34>() == Approx(2 * 3.664).epsilon(0.01));
    CHECK(gflops<resnet101>() == Approx(2 * 7.801).epsilon(0.01));
    CHECK(gflops<resnet152>() == Approx(2 * 11.514).epsilon(0.01));
    CHECK(gflops<densenet121>() == Approx(2 * 2.834).epsilon(0.01));
    CHECK(gflops<densenet169>() == Approx(2 * 3.360).epsilon(0.01));
    CHECK(gflops<densenet201>() == Approx(2 * 4.291).epsilon(0.01));
    CHECK(gflops<efficientnet_lite0>() == Approx(2 * 0.385).epsilon(0.05));
    CHECK(gflops<resnet50>(4) == Approx(4 * gflops<resnet50>()));
}

TEST_CASE("no rank's share is lost: parts of a net do the whole's work, halos none of it") {
    for (const int ranks : {2, 3, 5}) {
        long flops = 0, alone = 0;
        for (const auto& s : partition(plan_of<resnet18>, {{0, 1}, 2, 8, dtype::f32}).steps)
            alone += s.flops;
        for (int r = 0; r < ranks; ++r)
            for (const auto& s : partition(plan_of<resnet18>, {{r, ranks}, 2, 8, dtype::f32}).steps)
                flops += s.flops;
        CHECK(flops == alone);
    }
}
