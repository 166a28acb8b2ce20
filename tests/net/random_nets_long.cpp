// SPDX-License-Identifier: MIT
// Random nets as types and as graphs made at run time: more than random_nets.cpp has, every policy.
// ranks: 1 2 3 4 6 8
// timeout: 300
// label: long
// program: later
// isa: native
// sanitize: no
#include "support/catch.hpp"
#include "support/random_net_check.hpp"

using namespace mpar_test;

TEST_CASE("eighty random nets' types and the same nets made at run time are one") {
    for (const auto& c : random_cases<1000, 80>()) check_equal_in(c, policies_for_all.size());
}
