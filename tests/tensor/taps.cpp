// SPDX-License-Identifier: MIT
// The index map of a window along one dimension, against sliding it over a padded row of numbers.
#include "support/catch.hpp"

#include <mpar/tensor/taps.hpp>

#include <set>
#include <vector>

using namespace mpar;

namespace {

/// For each output the inputs that its taps touch, found by laying the window at every stride.
std::vector<std::vector<int>> slide(const taps& t, int input) {
    std::vector<std::vector<int>> outputs;
    for (int at = -t.before;; at += t.stride) {
        std::vector<int> touched;
        for (int k = 0; k < t.kernel; ++k) touched.push_back(at + k * t.dilation);
        if (touched.back() > input + t.after - 1) return outputs;
        outputs.push_back(touched);
    }
}

template <class Visit>
void each_window(Visit visit) {
    for (int kernel = 1; kernel <= 5; ++kernel)
        for (int stride = 1; stride <= 4; ++stride)
            for (int dilation = 1; dilation <= 3; ++dilation)
                for (int before = 0; before <= 3; ++before)
                    for (int after = 0; after <= 3; ++after)
                        visit(taps{kernel, stride, dilation, before, after});
}

static_assert(taps{3, 2, 1, 1, 1}.outputs(224) == 112);
static_assert(taps{7, 2, 1, 3, 3}.reads({0, 112}) == range{-3, 226});
static_assert(taps{}.reads({4, 9}) == range{4, 9});
static_assert(taps{3, 1, 2}.span() == 5);
static_assert(sliding{}.is_pointwise() && !sliding{{1, 2}, {}}.is_pointwise());
static_assert(!sliding{{}, {1, 1, 1, 1, 0}}.is_pointwise());

}  // namespace

TEST_CASE("outputs() counts the places where the window fits") {
    int windows = 0;
    each_window([&](const taps& t) {
        for (int input = 1; input <= 12; ++input) {
            ++windows;
            if (t.outputs(input) != int(slide(t, input).size()))
                FAIL_CHECK("kernel " << t.kernel << ", stride " << t.stride << ", dilation "
                                     << t.dilation << ", padding " << t.before << " " << t.after
                                     << ", input " << input);
        }
    });
    CHECK(windows == 5 * 4 * 3 * 4 * 4 * 12);
}

TEST_CASE("reads() is the smallest range with all taps of those outputs") {
    each_window([](const taps& t) {
        constexpr int input = 11;
        const auto outputs = slide(t, input);
        for (int lo = 0; lo <= int(outputs.size()); ++lo) {
            for (int hi = lo; hi <= int(outputs.size()); ++hi) {
                std::set<int> touched;
                for (int o = lo; o < hi; ++o)
                    touched.insert(outputs[std::size_t(o)].begin(), outputs[std::size_t(o)].end());
                const range r = t.reads({lo, hi});
                const bool right = touched.empty()
                                       ? r.empty()
                                       : r.lo == *touched.begin() && r.hi == *touched.rbegin() + 1;
                if (!right)
                    FAIL_CHECK("kernel " << t.kernel << ", stride " << t.stride << ", dilation "
                                         << t.dilation << ", outputs " << lo << " to " << hi);
            }
        }
    });
}

TEST_CASE("neighbouring parts read what the whole reads") {
    each_window([](const taps& t) {
        const int outputs = t.outputs(12);
        for (int cut = 1; cut < outputs; ++cut) {
            const range whole = t.reads({0, outputs}), left = t.reads({0, cut}),
                        right = t.reads({cut, outputs});
            CHECK(hull(left, right) == whole);
            CHECK(right.lo - left.lo == cut * t.stride);
        }
    });
}

TEST_CASE("windows that do not fit give no output, and no output reads nothing") {
    for (int input = 0; input <= 6; ++input) CHECK(taps{7, 1, 1, 0, 0}.outputs(input) <= 0);
    CHECK(taps{7, 1, 1, 0, 0}.outputs(7) == 1);
    CHECK(taps{2, 1, 9, 0, 0}.outputs(9) <= 0);
    CHECK(taps{2, 1, 9, 0, 0}.outputs(10) == 1);
    for (int at = -3; at < 3; ++at) CHECK(taps{3, 2, 1, 1, 1}.reads({at, at}).empty());
}
