// SPDX-License-Identifier: MIT
// ResNet-18 with seeded weights is torchvision's, under every policy.
// ranks: 1 2 3 4
// timeout: 300
#include "support/oracle_check.hpp"

TEST_CASE("resnet18 equals torchvision's under every policy") {
    mpar_test::check_against_oracle<mpar::resnet18>("resnet18");
}
