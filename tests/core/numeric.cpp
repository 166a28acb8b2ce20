// SPDX-License-Identifier: MIT
// Integer arithmetic of sizes, against plain loops and wider integers.
#include "support/catch.hpp"

#include <mpar/core/numeric.hpp>

using namespace mpar;

namespace {

constexpr std::uint64_t most = ~std::uint64_t(0);

static_assert(ceil_div(0, 3) == 0 && ceil_div(1, 3) == 1 && ceil_div(3, 3) == 1);
static_assert(ceil_div(4, 3) == 2 && round_up(4, 3) == 6 && round_up(6, 3) == 6);
static_assert(round_up(0, 8) == 0 && round_up(1, 8) == 8 && round_up(8, 8) == 8);
static_assert(*checked_add(1, 2) == 3 && !checked_add(most, 1));
static_assert(*checked_multiply(3, 4) == 12 && !checked_multiply(most, 2));

}  // namespace

TEST_CASE("ceil_div is the least quotient that is enough, round_up the least multiple") {
    for (int a = 0; a <= 300; ++a) {
        for (int b = 1; b <= 70; ++b) {
            const int q = ceil_div(a, b);
            if (q * b < a || (q > 0 && (q - 1) * b >= a)) FAIL_CHECK(a << " / " << b);
            const int r = round_up(a, b);
            if (r % b != 0 || r < a || r - a >= b) FAIL_CHECK(a << " to " << b);
        }
    }
    CHECK(ceil_div(long(1) << 40, long(3)) == 366503875926);
    CHECK(round_up(std::size_t(1) << 40, std::size_t(24)) == 1099511627784);
}

TEST_CASE("checked_add gives the sum or nothing when it does not fit") {
    for (const std::uint64_t a : {std::uint64_t(0), std::uint64_t(1), most / 2, most - 1, most}) {
        CHECK(checked_add(a, 0) == a);
        CHECK(checked_add(0, a) == a);
        CHECK(checked_add(a, most - a) == most);
        if (a > 0) CHECK_FALSE(checked_add(a, most - a + 1));
        if (a > 0) CHECK_FALSE(checked_add(most - a + 1, a));
    }
}

TEST_CASE("checked_multiply gives the product or nothing when it does not fit") {
    for (const std::uint64_t a :
         {std::uint64_t(1), std::uint64_t(2), std::uint64_t(3), std::uint64_t(1) << 31,
          (std::uint64_t(1) << 32) + 1, std::uint64_t(1) << 63, most - 1, most}) {
        CHECK(checked_multiply(a, 0) == 0u);
        CHECK(checked_multiply(0, a) == 0u);
        CHECK(checked_multiply(a, 1) == a);
        const std::uint64_t fits = most / a;
        CHECK(checked_multiply(a, fits) == a * fits);
        CHECK(checked_multiply(fits, a) == a * fits);
        if (fits < most) CHECK_FALSE(checked_multiply(a, fits + 1));
        if (fits < most) CHECK_FALSE(checked_multiply(fits + 1, a));
    }
}
