// SPDX-License-Identifier: MIT
// DenseNet-121 with seeded weights is torchvision's, under every policy.
// isa: native avx2
// ranks: 1 2 3 4
// timeout: 400
// sanitize: no
#include "support/oracle_check.hpp"

TEST_CASE("densenet121 equals torchvision's under every policy") {
    mpar_test::check_against_oracle<mpar::densenet121>("densenet121");
}
