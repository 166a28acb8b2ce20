// SPDX-License-Identifier: MIT
// All networks under every policy that there is.
// isa: native
// ranks: 1 2 3 4 6 8
// timeout: 1800
// sanitize: no
// label: long
#include "support/policy_matrix.hpp"

using namespace mpar;

TEST_CASE("resnet18 under every policy, on more ranks") {
    mpar_test::check_every_policy<resnet18>("resnet18");
}

TEST_CASE("resnet50 under every policy") {
    mpar_test::check_every_policy<resnet50>("resnet50");
}

TEST_CASE("densenet121 under every policy") {
    mpar_test::check_every_policy<densenet121>("densenet121");
}

TEST_CASE("cspdarknet53 under every policy") {
    mpar_test::check_every_policy<cspdarknet53>("cspdarknet53");
}

TEST_CASE("efficientnet_lite0 under every policy") {
    mpar_test::check_every_policy<efficientnet_lite0>("efficientnet_lite0");
}
