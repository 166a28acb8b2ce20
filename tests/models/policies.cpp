// SPDX-License-Identifier: MIT
// ResNet-18 under every policy that there is; policies_long.cpp has the other networks and ranks.
// isa: native avx2
// ranks: 3 6
// timeout: 600
// sanitize: no
#include "support/policy_matrix.hpp"

TEST_CASE("resnet18 under every policy") {
    mpar_test::check_every_policy<mpar::resnet18>("resnet18");
}
