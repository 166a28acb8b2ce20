// SPDX-License-Identifier: MIT
// Policies as values, names and types; what lies between two layouts.
#include "support/catch.hpp"

#include <mpar/shard/policy.hpp>
#include <mpar/shard/transition.hpp>

#include <set>

using namespace mpar;

namespace {

constexpr policy all[] = {policy::none,   policy::batch,    policy::rows,  policy::output,
                          policy::cols,   policy::tiles,    policy::input, policy::grid,
                          policy::stage,  policy::follow,   policy::automatic};
constexpr layout layouts[] = {layout::replicate, layout::shard_n, layout::shard_c, layout::shard_h};

struct not_a_policy {};

}  // namespace

TEST_CASE("policies are found by their names and by no other") {
    std::set<std::string_view> names;
    for (const auto p : all) {
        CHECK(policy_named(name_of(p)) == p);
        names.insert(name_of(p));
    }
    CHECK(names.size() == std::size_t(policy_count));
    for (const char* name : {"", "None", "rows ", "columns", "spatial", "?"})
        CHECK_FALSE(policy_named(name));
    STATIC_REQUIRE(policy_named("rows") == policy::rows);
}

TEST_CASE("policies as types say their value") {
    STATIC_REQUIRE(shard::none::value == policy::none);
    STATIC_REQUIRE(shard::batch::value == policy::batch);
    STATIC_REQUIRE(shard::rows::value == policy::rows);
    STATIC_REQUIRE(shard::output::value == policy::output);
    STATIC_REQUIRE(shard::follow::value == policy::follow);
    STATIC_REQUIRE(shard::grid::value == policy::grid);
    STATIC_REQUIRE(shard::stage<3>::value == placing{policy::stage, 3});
    STATIC_REQUIRE(policy_type<shard::rows>);
    STATIC_REQUIRE_FALSE(policy_type<not_a_policy>);
    STATIC_REQUIRE_FALSE(policy_type<int>);
}

TEST_CASE("the step between two layouts, all sixteen pairs") {
    using enum transition;
    // rows: from replicate, shard<N>, shard<C>, shard<H>; columns: to the same
    constexpr transition expected[4][4] = {{nothing, slice, slice, slice},
                                           {all_gather, nothing, all_to_all, all_to_all},
                                           {all_gather, all_to_all, nothing, all_to_all},
                                           {all_gather, all_to_all, all_to_all, nothing}};
    for (int from = 0; from < 4; ++from) {
        for (int to = 0; to < 4; ++to) {
            INFO(name_of(layouts[from]) << " to " << name_of(layouts[to]));
            CHECK(between(layouts[from], layouts[to], false) == expected[from][to]);
            CHECK(between(layouts[from], layouts[to], true) ==
                  (from == to ? halo : expected[from][to]));
        }
    }
    STATIC_REQUIRE(between(layout::shard_h, layout::shard_h, true) == halo);
}

TEST_CASE("names of transitions") {
    STATIC_REQUIRE(name_of(transition::nothing) == "-");
    STATIC_REQUIRE(name_of(transition::slice) == "slice");
    STATIC_REQUIRE(name_of(transition::halo) == "halo");
    STATIC_REQUIRE(name_of(transition::all_gather) == "all-gather");
    STATIC_REQUIRE(name_of(transition::all_to_all) == "all-to-all");
}
