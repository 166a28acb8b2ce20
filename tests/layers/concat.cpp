// SPDX-License-Identifier: MIT
// Joining channels: values, the same on any number of ranks and cuts, what is moved, what lies in place.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/joined.hpp"

using namespace mpar;
using namespace mpar_test;

namespace {

/// A block of those layers.
template <class... Layers>
struct sequence {
    using layers = chain<Layers...>;
};
template <int C, class... Layers>
struct net {
    using input = image<C, 7, 5>;
    using layers = chain<Layers...>;
};
template <int In, int Out, class P>
using grown = sequence<batch_norm<In>, relu, conv2d<In, Out, window<3>, P>>;
template <int In, int Out, class P>
using dense_layer = concat<identity, grown<In, Out, P>>;

template <class Net>
lowered plan_with(std::optional<policy> asked = {}) {
    return lower(graph_of<Net>, Net::input::extents, Net::input::given, asked);
}

/// The steps of arms of a plan, and how many of them move nothing.
struct arms {
    int all = 0, in_place = 0;
};
template <class Net>
arms arms_of(std::optional<policy> asked, int ranks, int block = 16) {
    const lowered l = plan_with<Net>(asked);
    const part mine = partition(l.view(), {{0, ranks}, 2, block, dtype::f32});
    arms count;
    for (std::size_t i = 0; i < l.steps.size(); ++i) {
        if (!traits_of(l.steps[i].what).moves_channels) continue;
        ++count.all;
        count.in_place += mine.steps[i].in_place;
    }
    return count;
}

}  // namespace

TEST_CASE("a concat gives its arms' channels in their order") {
    const long plane = 7 * 5;
    each_backend([&](auto b) {
        using B = decltype(b);
        const auto x = images_of({1, 6, 7, 5});
        const auto joined =
            forward<net<6, concat<sequence<>, sequence<identity, channels<2, 5>>, identity>>, B>(1);
        REQUIRE(joined.size() == std::size_t(15 * plane));
        CHECK(std::equal(x.begin(), x.end(), joined.begin()));
        CHECK(std::equal(x.begin() + 2 * plane, x.begin() + 5 * plane, joined.begin() + 6 * plane));
        CHECK(std::equal(x.begin(), x.end(), joined.begin() + 9 * plane));
    });
}

TEST_CASE("joins of every kind give the same on any number of ranks, whatever the policy") {
    each_backend([&](auto b) {
        using B = decltype(b);
        // whole blocks: features that grow where they lie
        forward<net<8, conv2d<8, 32, window<3>, shard::rows>, dense_layer<32, 16, shard::rows>,
                    dense_layer<48, 32, shard::output>, conv2d<80, 8>>,
                B>(2);
        // within blocks, an arm of one channel, a window over the whole
        forward<net<5, dense_layer<5, 1, shard::output>, dense_layer<6, 19, shard::rows>,
                    max_pool<window<3>>, conv2d<25, 20, window<5>, shard::rows>>,
                B>(3);
        // arms that come differently cut
        forward<net<16,
                    concat<conv2d<16, 16, window<3>, shard::rows>,
                           conv2d<16, 32, window<1>, shard::output>,
                           conv2d<16, 7, window<3>, shard::batch>, channels<3, 9>>,
                    batch_norm<61>, relu, conv2d<61, 4, window<3>, shard::rows>>,
                B>(2);
        // a concat in a concat, and a sum whose skip is one
        forward<net<16, concat<relu, concat<identity, channels<0, 16>>, concat<relu6>>,
                    residual<conv2d<64, 64>, concat<channels<32>, channels<0, 32>>>>,
                B>(2);
    });
}

TEST_CASE("a split passes channels by and joins them again") {
    using half = sequence<residual<conv2d<16, 16, window<3>, shard::rows>>, relu>;
    each_backend([&](auto b) {
        using B = decltype(b);
        forward<net<8, conv2d<8, 32, window<1>, shard::output>, split<16, identity, half>,
                    conv2d<32, 8>>,
                B>(2);
        forward<net<8, conv2d<8, 37, window<1>, shard::output>, split<21, identity, half>,
                    conv2d<37, 8>>,
                B>(2);
        const auto x = images_of({2, 8, 7, 5});
        CHECK(forward<net<8, split<3, identity, identity>>, B>(2) == x);
    });
}

TEST_CASE("features grow where they lie: no arm of whole blocks is copied") {
    using dense = net<8, conv2d<8, 32>, dense_layer<32, 32, shard::rows>,
                      dense_layer<64, 32, shard::rows>, dense_layer<96, 16, shard::rows>>;
    for (const auto asked : {policy::none, policy::rows, policy::batch}) {
        CHECK(arms_of<dense>(asked, 1).in_place == 6);
        CHECK(arms_of<dense>(asked, 3).in_place == 6);
    }
    // channels that were cut are gathered, once: what has grown before stays
    CHECK(arms_of<dense>(policy::output, 2).all == 6);
    CHECK(arms_of<dense>(policy::output, 2).in_place == 2);
    const lowered l = plan_with<dense>(policy::output);
    const long pixels = 7 * 5 * 4;
    const auto got = partition(l.view(), {{0, 2}, 1, 16, dtype::f32}).predicted.bytes_received;
    // of the first convolution twice, normalised and not; of the others' channels half; the last has
    // one block, which rank 0 owns
    CHECK(got == (16 + 16 + 16 + 16 + 0) * pixels);

    CHECK(arms_of<densenet121>({}, 1).all == 116);
    CHECK(arms_of<densenet121>({}, 1).in_place == 116);
    // 18 layers cut in rows; of 40 in channels what has grown, but for the first of two blocks
    CHECK(arms_of<densenet121>({}, 4).in_place == 2 * 18 + 40 - 2);
    using ragged = net<24, concat<identity, conv2d<24, 16>>>;
    CHECK(arms_of<ragged>({}, 1).in_place == 0);
    CHECK(arms_of<ragged>({}, 1, 8).in_place == 2);
}

TEST_CASE("arms of other rows are refused in a sentence") {
    using wrong = net<8, concat<identity, conv2d<8, 8, window<3, 2>>>>;
    const auto said = sentence(plan_with<wrong>().wrong);
    CHECK(
        said.starts_with("mpar: concat's arms give 7 and 4 rows or columns: channels are joined of "
                         "images of one size (chain position 0, "));
}
