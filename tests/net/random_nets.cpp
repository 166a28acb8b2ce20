// SPDX-License-Identifier: MIT
// Random nets as types and as graphs made at run time: equal plans, equal bits, equal bytes.
// ranks: 1 2 3 4
// timeout: 120
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/random_net_check.hpp"

#include <mpar/net/plan/lower.hpp>

#include <set>
#include <span>
#include <vector>

using namespace mpar;
using namespace mpar_test;

namespace {

constexpr unsigned seeds = 20;

lowered plan_of_draft(const draft& d) {
    const dynamic_graph g = graph_maker(d, true).run();
    const auto each = unplanned(g.view());
    return lower(g.view(), d.input, d.given, std::span<const placing>(each));
}

/// The draft with another line i, whose shapes stay.
draft altered(draft d, int i) {
    line& l = d.table[std::size_t(i)];
    switch (l.is) {
        case word::conv2d: l.bias = !l.bias; break;
        case word::batch_norm: l.is_keras = !l.is_keras; break;
        case word::silu: l.is = word::relu; break;
        case word::relu:
        case word::relu6:
        case word::leaky_relu: l.is = word::silu; break;
        case word::max_pool: l.is = word::avg_pool; break;
        case word::avg_pool: l.counts = !l.counts; break;
        case word::pad2d: l.fill = {border::kind::constant, l.fill.value + 2}; break;
        case word::channels:
        case word::dense: l.asks = l.asks == policy::batch ? policy::none : policy::batch; break;
        case word::residual: l.is = word::concat; break;
        case word::product: l.is = word::residual; break;
        case word::repeat: ++l.times; break;
        default: break;
    }
    return d;
}

}  // namespace

TEST_CASE("a random net's type and the same net made at run time are one") {
    const auto all = random_cases<0, seeds>();
    for (const auto& c : std::span(all).first(std::size_t(effort(int(seeds))))) {
        check_equal_in(c, 3);
    }
}

TEST_CASE("the random nets have everything that nets are made of") {
    std::set<word> words;
    std::set<policy> asked, given, in_place;
    std::set<border::kind> fills;
    std::set<padding> paddings;
    std::set<int> kernels, strides, dilations;
    bool is_depthwise = false, is_grouped = false, is_named = false, squeezes = false;
    for (unsigned seed = 0; seed < seeds; ++seed) {
        const draft d = drawn(seed);
        given.insert(d.given.how);
        for (const auto& o : ways(seed, 3)) {
            if (o.asked) in_place.insert(*o.asked);
        }
        const line* before = nullptr;
        for (const line& l : d.lines()) {
            words.insert(l.is);
            asked.insert(l.asks.how);
            if (l.is == word::pad2d) fills.insert(l.fill.with);
            if (l.has_window()) {
                paddings.insert(l.how);
                for (const taps& t : {l.rows, l.columns}) {
                    kernels.insert(t.kernel);
                    strides.insert(t.stride);
                    dilations.insert(t.dilation);
                }
            }
            is_depthwise |= l.groups > 1 && l.groups == l.out;
            is_grouped |= l.groups > 1 && l.groups < l.out;
            is_named |= l.is_named;
            squeezes |= l.is == word::global_avg_pool && before && before->is == word::arm;
            before = &l;
        }
    }
    CHECK(words.size() == word_count);
    CHECK(asked.size() == policy_count);
    CHECK(given.size() >= 4);
    CHECK(in_place.size() == policies_for_all.size());
    CHECK(fills.size() == 3);
    CHECK(paddings.size() == 3);
    CHECK(kernels == std::set{1, 2, 3, 4, 5});
    CHECK(strides == std::set{1, 2, 3});
    CHECK(dilations == std::set{1, 2});
    CHECK(is_depthwise);
    CHECK(is_grouped);
    CHECK(is_named);
    CHECK(squeezes);
}

TEST_CASE("no random net is another one, and a line that is altered is found") {
    std::vector<draft> all;
    for (unsigned seed = 0; seed < seeds; ++seed) all.push_back(drawn(seed));
    for (unsigned a = 0; a < seeds; ++a) {
        const lowered l = plan_of_draft(all[a]);
        REQUIRE(!l.wrong);
        for (unsigned b = 0; b < a; ++b) {
            INFO("seeds " << a << " and " << b);
            CHECK(difference(l.view(), plan_of_draft(all[b]).view()) != "");
        }
        for (int i = 0; i < all[a].count; ++i) {
            const word is = all[a][i].is;
            if (is == word::arm || is == word::dropout || is == word::identity ||
                is == word::flatten || is == word::global_avg_pool || is == word::softmax ||
                is == word::concat) {
                continue;  // nothing is said of it
            }
            INFO("seed " << a << ", line " << i);
            CHECK(difference(l.view(), plan_of_draft(altered(all[a], i)).view()) != "");
        }
    }
}
