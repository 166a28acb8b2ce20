// SPDX-License-Identifier: MIT
// Taking channels: values, the same on any number of ranks and cuts, what is moved, what lies in place.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/joined.hpp"

#include <mpar/net/graph/dynamic_graph.hpp>

using namespace mpar;
using namespace mpar_test;

namespace {

template <int C, class Given, class... Layers>
struct net {
    using input = image<C, 7, 5, Given>;
    using layers = chain<Layers...>;
};

/// Channels [lo, hi) of each image.
std::vector<float> taken(const shape& s, int lo, int hi) {
    const auto x = images_of(s);
    const long plane = long(s.h) * s.w;
    std::vector<float> y;
    for (int n = 0; n < s.n; ++n) {
        const auto image = x.begin() + n * s.c * plane;
        y.insert(y.end(), image + lo * plane, image + hi * plane);
    }
    return y;
}

template <class Layer, int Lo, int Hi>
void check() {
    const auto expected = taken({2, 40, 7, 5}, Lo, Hi);
    each_backend([&](auto b) {
        using B = decltype(b);
        CHECK(forward<net<40, shard::none, Layer>, B>(2) == expected);
        CHECK(forward<net<40, shard::rows, Layer>, B>(2) == expected);
        CHECK(forward<net<40, shard::output, Layer>, B>(2) == expected);
        CHECK(forward<net<40, shard::batch, Layer>, B>(2) == expected);
    });
}

}  // namespace

TEST_CASE("channels<Lo, Hi> takes those channels, however they come and are asked for") {
    check<channels<0, 40>, 0, 40>();
    check<channels<0, 16>, 0, 16>();
    check<channels<16, 32>, 16, 32>();
    check<channels<16>, 16, 40>();
    check<channels<32>, 32, 40>();
    check<channels<3, 5>, 3, 5>();
    check<channels<17, 39>, 17, 39>();
    check<channels<7, 39, shard::output>, 7, 39>();
    check<channels<16, 40, shard::output>, 16, 40>();
    check<channels<9, 30, shard::rows>, 9, 30>();
    check<channels<9, 30, shard::batch>, 9, 30>();
    check<channels<9, 30, shard::none>, 9, 30>();
}

TEST_CASE("what is taken lies in what it is taken from where whole blocks meet") {
    const auto in_place = [](const lowered& l, int block, int ranks) {
        const part mine = partition(l.view(), {{0, ranks}, 2, block, dtype::f32});
        return mine.steps[1].in_place;
    };
    const auto rows = [](operation o) {
        dynamic_graph g;
        g.add_next(conv2d<8, 48, window<3>, shard::rows>::describe());
        g.add_next(o);
        return lower(g.view(), {1, 8, 9, 9}, policy::none);
    };
    CHECK(in_place(rows(channels<16, 32>::describe()), 16, 3));
    CHECK(in_place(rows(channels<16>::describe()), 8, 1));
    CHECK(in_place(rows(channels<5, 9>::describe()), 1, 2));
    CHECK_FALSE(in_place(rows(channels<8, 24>::describe()), 16, 3));  // begins within a block
    CHECK_FALSE(in_place(rows(channels<0, 24>::describe()), 16, 3));  // ends within one
    CHECK_FALSE(in_place(rows(channels<0, 16, shard::none>::describe()), 16, 3));
    CHECK_FALSE(in_place(rows(channels<0, 16, shard::output>::describe()), 16, 3));
}

TEST_CASE("only channels that are read travel") {
    dynamic_graph g;
    g.add_next(conv2d<8, 64, window<3>, shard::output>::describe());
    g.add_next(channels<48, 64>::describe());
    const lowered l = lower(g.view(), {1, 8, 4, 4}, policy::none);
    const part reader = partition(l.view(), {{0, 2}, 1, 8, dtype::f32});
    const part owner = partition(l.view(), {{1, 2}, 1, 8, dtype::f32});
    CHECK(reader.predicted.bytes_received == 16 * 4 * 4 * 4);  // the last sixteen of rank 1's half
    CHECK(reader.predicted.bytes_sent == 0);
    CHECK(owner.predicted.bytes_received == 0);
}

TEST_CASE("channels beyond those that come are refused in a sentence") {
    const auto said = [](const operation& o) {
        dynamic_graph g;
        g.add_next(o);
        return sentence(lower(g.view(), {1, 32, 4, 4}, policy::none).wrong);
    };
    CHECK_THAT(
        said(channels<16, 48>::describe()),
        Catch::Matchers::StartsWith("mpar: ") &&
            Catch::Matchers::ContainsSubstring("channels<16, 48> takes channels up to 48, the "
                                               "layer before gives 32 (chain position 0"));
    CHECK_THAT(
        said(channels<32>::describe()),
        Catch::Matchers::ContainsSubstring("takes channels up to 33, the layer before gives 32"));
    CHECK(said(channels<31>::describe()).empty());
}
