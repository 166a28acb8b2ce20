// SPDX-License-Identifier: MIT
// Norms folded into filters and shifts: values by hand, rounding, and what cannot be folded.
#include "support/catch.hpp"

#include <mpar/net/run/folding.hpp>

#include <limits>
#include <string>

using namespace mpar;

TEST_CASE("a norm's scale and shift") {
    const growing<float> weight{2, -1, 0}, bias{1, 0, 3}, mean{4, 6, 5}, variance{3, 0, 8};
    const auto scale = norm_scale(weight, variance, 1.0);  // roots 2, 1 and 3
    CHECK(scale == growing<double>{1, -1, 0});
    CHECK(norm_shift(scale, mean, bias) == growing<double>{-3, 6, 3});
}

TEST_CASE("a layer's own shift goes through the norm behind it") {
    growing<double> shift{1, 2};
    fold_shift(shift, {3, -1}, {10, 20});
    CHECK(shift == growing<double>{13, 18});
}

TEST_CASE("rows are scaled in double and rounded once, whatever their length") {
    for (const std::size_t columns : {1u, 15u, 16u, 17u, 40u}) {
        const growing<double> scale{1.0 / 3, 1e-3, -7};
        growing<float> rows(scale.size() * columns);
        for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = 0.1f * float(i + 1);
        const auto before = rows;
        scale_rows(rows.data(), columns, scale);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            CHECK(rows[i] == float(double(before[i]) * scale[i / columns]));
        }
    }
    float left_alone = 5;
    scale_rows(&left_alone, 1, growing<double>{});
    CHECK(left_alone == 5);
}

TEST_CASE("a variance without a root, and numbers that are not finite") {
    try {
        norm_scale(growing<float>{1, 1}, growing<float>{1, -2}, 0.5, 30);
        FAIL("folded");
    } catch (const error& e) {
        CHECK(e.kind() == fault::numbers);
        CHECK(std::string(e.what()).starts_with(
            "mpar: a batch_norm's running_var plus epsilon is -1.5"));
        CHECK(std::string(e.what()).ends_with("in channel 31"));
    }
    const float bad[] = {1, std::numeric_limits<float>::infinity()};
    CHECK_NOTHROW(require_folded_finite(bad, 1));
    CHECK_THROWS_AS(require_folded_finite(bad, 2), error);
}
