// SPDX-License-Identifier: MIT
// Tests of net/describe.hpp: layers' names as the table has them.
#include "support/catch.hpp"

#include <mpar/net/describe.hpp>

using namespace mpar;

TEST_CASE("the table's names of layers have no namespaces and nothing that is usual") {
    CHECK(detail::short_name("mpar::relu") == "relu");
    CHECK(detail::short_name("mpar::conv2d<3, 64, mpar::window<7, 2>, mpar::shard::rows>") ==
          "conv2d<3, 64, window<7, 2>, rows>");
    CHECK(detail::short_name("mpar::conv2d<8, 8, mpar::window<3, 1, mpar::centred, "
                             "mpar::dilation<1> > >") == "conv2d<8, 8, window<3, 1>>");
    CHECK(detail::short_name("somebody::nets::block<somebody::a, (somebody::kind)2>") ==
          "block<a, (kind)2>");
    CHECK(detail::short_name("{anonymous}::scale") == "scale");
    CHECK(detail::short_name("") == "");
}

TEST_CASE("every activation has a name of its own in the table") {
    using kind = activation::kind;
    CHECK(name_of(kind::relu) == "relu");
    CHECK(name_of(kind::silu) == "silu");
    CHECK(name_of(kind::leaky_relu) == "leaky_relu");
}
