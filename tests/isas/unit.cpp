// SPDX-License-Identifier: MIT
// Compiled once for each ISA, and all of them linked together.
#include "isas/unit.hpp"

#define WORDS(...) #__VA_ARGS__
#define EXPANDED(...) WORDS(__VA_ARGS__)

namespace {

using mpar::backend::cpu;

const bool is_there = [] {
    mpar_test::isas::units().push_back(
        {EXPANDED(MPAR_ISA_NAMESPACE), cpu::isa(), &mpar_test::isas::outputs<cpu>});
    return true;
}();

}  // namespace
