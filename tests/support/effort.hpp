// SPDX-License-Identifier: MIT
// How much a test tries. Knows no test.
#pragma once

#include <algorithm>
#include <cstdlib>

namespace mpar_test {

/// Of so many cases drawn from seeds, how many are looked at: a third under sanitizers, where each
/// takes ten times as long (MPAR_TEST_SHORT, set by the asan preset's tests).
inline int effort(int cases) {
    return std::getenv("MPAR_TEST_SHORT") ? std::max(1, (cases + 2) / 3) : cases;
}
/// The step with which a range of sizes is walked through.
inline int stride(int usual = 1) { return std::getenv("MPAR_TEST_SHORT") ? 3 * usual : usual; }

}  // namespace mpar_test
