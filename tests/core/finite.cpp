// SPDX-License-Identifier: MIT
// A single number that is not finite is found wherever it stands, at any address.
#include "support/catch.hpp"

#include <mpar/core/finite.hpp>

#include <limits>
#include <vector>

using namespace mpar;

TEMPLATE_TEST_CASE("NaN and infinity are found at every place", "", float, double) {
    using limits = std::numeric_limits<TestType>;
    CHECK(all_finite<TestType>(nullptr, 0));
    for (const std::size_t count : {1, 31, 32, 33, 100}) {
        std::vector<TestType> values(count, limits::max());
        values.back() = limits::denorm_min();
        CHECK(all_finite<TestType>(values.data(), count));
        for (const TestType bad :
             {limits::quiet_NaN(), -limits::quiet_NaN(), limits::signaling_NaN(),
              limits::infinity(), -limits::infinity()}) {
            for (std::size_t i = 0; i < count; ++i) {
                std::vector<TestType> worse(count, -limits::max());
                worse[i] = bad;
                CHECK_FALSE(all_finite<TestType>(worse.data(), count));
                CHECK(all_finite<TestType>(worse.data(), i));
            }
        }
    }
}

TEST_CASE("numbers in a file lie at any address") {
    std::vector<char> bytes(4 * 40 + 3, 0x11);
    CHECK(all_finite<float>(bytes.data() + 3, 40));
    bytes[3 + 4 * 39 + 2] = bytes[3 + 4 * 39 + 3] = char(0x7f);
    CHECK(all_finite<float>(bytes.data() + 3, 40));  // 3.4e38 is below infinity
    bytes[3 + 4 * 39 + 2] = char(0x80);
    CHECK_FALSE(all_finite<float>(bytes.data() + 3, 40));
}
