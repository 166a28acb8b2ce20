// SPDX-License-Identifier: MIT
// CSPDarknet-53 with seeded weights is timm's, under every policy.
// isa: native avx2
// ranks: 1 2 3 4
// timeout: 400
// sanitize: no
#include "support/oracle_check.hpp"

TEST_CASE("cspdarknet53 equals timm's under every policy") {
    mpar_test::check_against_oracle<mpar::cspdarknet53>("cspdarknet53");
}
