// SPDX-License-Identifier: MIT
// In what units rows are cut: by hand for ResNet-50, and never to more work than cuts anywhere.
#include "support/catch.hpp"

#include <mpar/kernels/cpu/winograd/division.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/place/geometry.hpp>
#include <mpar/net/plan/static_plan.hpp>

using namespace mpar;

namespace {

setting on(int ranks, bool winograd = true) {
    setting s{{0, ranks}, 1, 16, dtype::f32};
    if (winograd) s.winograd_tile = &cpu::winograd_tile<float>;
    return s;
}

/// Of ResNet-50's tensors of so many rows, cut by rows.
std::vector<range> rows_of(int rows, const setting& s) {
    const lowered l =
        lower(graph_of<resnet50>, resnet50::input::extents, policy::none, policy::rows);
    const geometry all(l.view(), s);
    std::vector<range> parts;
    for (int t = 0; t < int(l.view().tensors.size()); ++t) {
        if (all.extents(t).h != rows || all.tensor_at(t).where != layout::shard_h) continue;
        std::vector<range> these;
        for (int r = 0; r < s.who.ranks; ++r) these.push_back(all.owner(t, r).h);
        if (parts.empty()) parts = these;
        CHECK(parts == these);
    }
    return parts;
}

}  // namespace

TEST_CASE("four ranks have whole tiles of four rows, and the same of what comes before a stride") {
    CHECK(rows_of(14, on(4)) == std::vector<range>{{0, 4}, {4, 8}, {8, 12}, {12, 14}});
    CHECK(rows_of(28, on(4)) == std::vector<range>{{0, 8}, {8, 16}, {16, 24}, {24, 28}});
    CHECK(rows_of(56, on(4)) == std::vector<range>{{0, 16}, {16, 32}, {32, 48}, {48, 56}});
    CHECK(rows_of(112, on(4)) == std::vector<range>{{0, 32}, {32, 64}, {64, 96}, {96, 112}});
}

TEST_CASE("where whole tiles would leave more work to one rank, rows are cut anywhere") {
    CHECK(rows_of(56, on(2)) == std::vector<range>{{0, 28}, {28, 56}});
    CHECK(rows_of(28, on(2)) == std::vector<range>{{0, 14}, {14, 28}});
    CHECK(rows_of(56, on(64)).back().empty());
    CHECK(rows_of(14, on(64)).front().size() == 1);
}

TEST_CASE("sums without tiles are cut anywhere") {
    for (const int rows : {7, 14, 28, 56, 112}) {
        std::vector<range> even;
        for (int r = 0; r < 4; ++r) even.push_back(cut(rows, {r, 4}));
        CHECK(rows_of(rows, on(4, false)) == even);
    }
}

TEST_CASE("a piece of a plan is cut as the whole is") {
    const lowered l =
        lower(graph_of<resnet50>, resnet50::input::extents, policy::none, policy::rows);
    setting s = on(4);
    const line_grains whole = geometry(l.view(), s).lines();
    const std::array tensors{tensor{{1, 64, 56, 56}, layout::shard_h, -1, -1}};
    s.grains = &whole;
    CHECK(geometry(plan{{}, tensors, {}}, s).owner(0, 1).h == range{16, 32});
    s.grains = nullptr;
    CHECK(geometry(plan{{}, tensors, {}}, s).owner(0, 1).h == range{14, 28});
}
