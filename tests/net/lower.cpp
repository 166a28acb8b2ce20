// SPDX-License-Identifier: MIT
// From graph to plan: what rides on what, which layouts follow, what a wrong net says.
#include "support/catch.hpp"

#include <mpar/mpar.hpp>

using namespace mpar;

namespace {

template <class Net>
lowered plan_with(std::optional<policy> asked = {}) {
    return lower(graph_of<Net>, Net::input::extents, Net::input::given, asked);
}

std::vector<op> kinds(const lowered& l) {
    std::vector<op> all;
    for (const auto& s : l.steps) all.push_back(s.what.kind());
    return all;
}

struct fused {
    using input = image<3, 16, 16>;
    using layers = chain<conv2d<3, 8, window<3>>, batch_norm<8>, relu, conv2d<8, 8>, relu, relu6,
                         batch_norm<8>, silu, dropout<>, identity, global_avg_pool, flatten,
                         dense<8, 4>, leaky_relu<>, softmax>;
};

struct arm {
    using layers = chain<conv2d<8, 8, window<3>>, batch_norm<8>>;
};
struct project {
    using layers = chain<conv2d<8, 8>, batch_norm<8>>;
};
struct arm_then_relu {
    using layers = chain<conv2d<8, 8, window<3>>, relu>;
};
struct before_activated {
    using layers = chain<batch_norm<8>, relu, conv2d<8, 8, window<3>>>;
};
template <class Body, class Skip = identity>
struct one_block {
    using input = image<8, 6, 6>;
    using layers = chain<conv2d<8, 8>, residual<Body, Skip>, relu>;
};

struct joined_then_normed {
    using input = image<8, 6, 6>;
    using layers = chain<conv2d<8, 8>, concat<identity, arm, chain<relu>>, batch_norm<24>, relu,
                         channels<8, 16>, relu>;
};

// Wrong nets.
struct channels_differ {
    using input = image<3, 8, 8>;
    using layers = chain<conv2d<3, 64, window<3>>, conv2d<128, 256, window<3>>>;
};
struct vanishing {
    using input = image<3, 8, 8>;
    using layers = chain<max_pool<window<9, 1, pad<0>>>>;
};
struct widening {
    using layers = chain<conv2d<8, 16>>;
};
struct arms {
    using input = image<8, 8, 8>;
    using layers = chain<residual<widening>>;
};
struct rows_of_dense {
    using input = image<8, 1, 1>;
    using layers = chain<dense<8, 4, shard::rows>>;
};
struct images_for_dense {
    using input = image<8, 4, 4>;
    using layers = chain<dense<8, 4>>;
};
struct odd_groups {
    using input = image<9, 4, 4>;
    using layers = chain<conv2d<9, 12, window<1>, groups<4>>>;
};

}  // namespace

TEST_CASE("norms and activations ride on the step before, once") {
    const lowered l = plan_with<fused>();
    REQUIRE_FALSE(l.wrong);
    CHECK(kinds(l) == std::vector{op::conv2d, op::conv2d, op::activate, op::batch_norm,
                                  op::row_sums, op::mean_rows, op::dense, op::softmax, op::result});
    CHECK(l.steps[0].norm >= 0);
    CHECK(l.steps[0].what.act.which == activation::kind::relu);
    CHECK(l.steps[1].norm < 0);  // its relu stands between
    CHECK(l.steps[2].what.act.which == activation::kind::relu6);
    CHECK(l.steps[3].what.act.which == activation::kind::silu);
    CHECK(l.steps[6].what.act.which == activation::kind::leaky_relu);
}

TEST_CASE("a residual sum rides on a convolution, which comes last") {
    SECTION("of the body, when the skip is empty") {
        const lowered l = plan_with<one_block<arm>>();
        CHECK(kinds(l) == std::vector{op::conv2d, op::conv2d, op::result});
        CHECK(l.steps[1].residual() == l.steps[0].y);
        CHECK(l.steps[1].what.act.which == activation::kind::relu);
    }
    SECTION("of the body, after the skip's") {
        const lowered l = plan_with<one_block<arm, project>>();
        CHECK(kinds(l) ==
              std::vector{op::conv2d, op::conv2d, op::conv2d, op::result});
        CHECK(l.steps[2].residual() == l.steps[1].y);
        CHECK(l.steps[2].where.block.ends_with("arm"));
        CHECK(l.steps[1].what.act == activation{});
        CHECK(l.parameters[5].at.block.ends_with("project") == false);  // the order of the type
    }
    SECTION("of the skip, where the body ends in an activation") {
        const lowered l = plan_with<one_block<arm_then_relu, project>>();
        CHECK(kinds(l) ==
              std::vector{op::conv2d, op::conv2d, op::conv2d, op::result});
        CHECK(l.steps[2].where.block.ends_with("project"));
        CHECK(l.steps[2].residual() == l.steps[1].y);
    }
    SECTION("of nobody, where both end in something else") {
        const lowered l = plan_with<one_block<arm_then_relu>>();
        CHECK(kinds(l) == std::vector{op::conv2d, op::conv2d, op::add, op::result});
        CHECK(l.steps[2].what.act.which == activation::kind::relu);
    }
    SECTION("and what the skip still needs is left as it is") {
        const lowered l = plan_with<one_block<before_activated>>();
        CHECK(kinds(l) ==
              std::vector{op::conv2d, op::batch_norm, op::conv2d, op::result});
        CHECK(l.steps[0].norm < 0);
        CHECK(l.steps[2].residual() == l.steps[0].y);
    }
}

TEST_CASE("a concat's arms write one tensor, and what it still needs is left as it is") {
    const lowered l = plan_with<joined_then_normed>();
    REQUIRE_FALSE(l.wrong);
    CHECK(kinds(l) == std::vector{op::conv2d, op::conv2d, op::activate, op::channels,
                                  op::channels, op::channels, op::batch_norm, op::channels,
                                  op::activate, op::result});
    CHECK(l.steps[0].what.act == activation{});  // the first arm takes it without the third's relu
    for (const std::size_t i : {3u, 4u, 5u}) {
        CHECK(l.steps[i].x() == l.steps[i - 3].y);
        CHECK(l.steps[i].y == l.steps[3].y);
        CHECK(index_map_of(l.steps[i].what).shift == -8 * int(i - 3));
    }
    CHECK(l.tensors[std::size_t(l.steps[3].y)].extents == shape{1, 24, 6, 6});
    CHECK(l.tensors[std::size_t(l.steps[3].y)].producer == 3);
    CHECK(l.steps[6].what.act.which ==
          activation::kind::relu);  // rides on a norm that rides on none
    CHECK(index_map_of(l.steps[7].what).shift == 8);
    CHECK(l.tensors[std::size_t(l.steps[7].y)].extents.c == 8);
}

TEST_CASE("layouts: arms that are cut alike stay so, cut channels are gathered") {
    const auto joined = [](std::optional<policy> asked) {
        const lowered l = plan_with<joined_then_normed>(asked);
        return l.tensors[std::size_t(l.steps[3].y)].where;
    };
    CHECK(joined(policy::rows) == layout::shard_h);
    CHECK(joined(policy::batch) == layout::shard_n);
    CHECK(joined(policy::none) == layout::replicate);
    CHECK(joined(policy::output) == layout::replicate);
}

TEST_CASE("layouts: an override holds where a layer can follow it") {
    const auto layout_of = [](const lowered& l, std::size_t step) {
        return l.tensors[std::size_t(l.steps[step].y)].where;
    };
    const lowered rows = plan_with<resnet18>(policy::rows);
    const std::size_t last = rows.steps.size() - 2;  // dense
    CHECK(layout_of(rows, 0) == layout::shard_h);
    CHECK(layout_of(rows, 1) == layout::shard_h);  // the pool follows
    CHECK(layout_of(rows, last - 2) == layout::shard_h);
    CHECK(layout_of(rows, last - 1) == layout::shard_c);  // sums over rows: by channels
    CHECK(layout_of(rows, last) == layout::replicate);

    const lowered output = plan_with<efficientnet_lite0>(policy::output);
    for (std::size_t i = 0; i + 1 < output.steps.size(); ++i) {
        CHECK(layout_of(output, i) == layout::shard_c);
    }
    const lowered batch = plan_with<resnet18>(policy::batch);
    for (std::size_t i = 0; i <= last; ++i) CHECK(layout_of(batch, i) == layout::shard_n);
}

TEST_CASE("a plan made at run time is the one made at compile time") {
    const lowered l = plan_with<resnet50>();
    const plan& p = plan_of<resnet50>;
    REQUIRE(l.steps.size() == p.steps.size());
    for (std::size_t i = 0; i < p.steps.size(); ++i) {
        CHECK(l.steps[i].what.name == p.steps[i].what.name);
        CHECK(l.steps[i].y == p.steps[i].y);
        CHECK(l.steps[i].residual() == p.steps[i].residual());
    }
    CHECK(p.parameters.size() == 267);
}

TEST_CASE("a wrong net says what is wrong in one sentence") {
    const auto said = [](auto net) {
        using Net = decltype(net);
        return sentence(plan_with<Net>().wrong);
    };
    CHECK_THAT(said(channels_differ{}),
               Catch::Matchers::ContainsSubstring("takes 128 channels, the layer before gives 64 "
                                                  "(chain position 1, "));
    CHECK_THAT(said(vanishing{}),
               Catch::Matchers::ContainsSubstring(
                   "has a window over 9 rows or columns, the layer before gives 8"));
    CHECK(said(arms{}).starts_with(
        "mpar: residual's body gives an extent of 16, its skip gives 8 (chain position 0"));
    CHECK_THAT(said(rows_of_dense{}),
               Catch::Matchers::ContainsSubstring("cannot follow shard::rows"));
    CHECK_THAT(said(images_for_dense{}),
               Catch::Matchers::ContainsSubstring("takes vectors of 8 features"));
    CHECK_THAT(said(odd_groups{}), Catch::Matchers::ContainsSubstring(
                                       "has 4 groups, which do not divide its 9 channels"));
}
