// SPDX-License-Identifier: MIT
// Ranges and boxes as sets of indices: intersection, hull, contains, relative, against enumeration.
#include "support/catch.hpp"

#include <mpar/tensor/shape.hpp>

#include <random>
#include <set>

using namespace mpar;

namespace {

std::set<int> elements(range r) {
    std::set<int> all;
    for (int i = r.lo; i < r.hi; ++i) all.insert(i);
    return all;
}

template <class Visit>
void each_pair(Visit visit) {
    for (int a = -2; a <= 4; ++a)
        for (int b = -2; b <= 4; ++b)
            for (int c = -2; c <= 4; ++c)
                for (int d = -2; d <= 4; ++d) visit(range{a, b}, range{c, d});
}

class random_boxes {
public:
    box next() { return {any(), any(), any(), any()}; }

private:
    range any() {
        const int lo = std::uniform_int_distribution<int>(-2, 3)(engine_);
        return {lo, lo + std::uniform_int_distribution<int>(-1, 4)(engine_)};
    }
    std::mt19937 engine_{5};
};

/// The box's points, each as one number.
std::set<int> points(const box& b) {
    std::set<int> all;
    for (int n : elements(b.n))
        for (int c : elements(b.c))
            for (int h : elements(b.h))
                for (int w : elements(b.w))
                    all.insert(((n + 10) * 100 + c + 10) * 10'000 + (h + 10) * 100 + w + 10);
    return all;
}

bool includes(const std::set<int>& all, const std::set<int>& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

TEST_CASE("shapes count their elements, beyond 32 bits too") {
    STATIC_REQUIRE(shape{}.count() == 1);
    STATIC_REQUIRE(shape{2, 3, 5, 7}.count() == 210);
    STATIC_REQUIRE(shape{2, 0, 5, 7}.count() == 0);
    STATIC_REQUIRE(shape{2048, 2048, 2048, 2}.count() == 17'179'869'184);
    STATIC_REQUIRE(shape{1, 2, 3, 4} == shape{1, 2, 3, 4});
    STATIC_REQUIRE(shape{1, 2, 3, 4} != shape{1, 2, 4, 3});
}

TEST_CASE("ranges are sets of indices") {
    each_pair([](range a, range b) {
        const auto in_a = elements(a), in_b = elements(b);
        std::set<int> both, either = in_a;
        for (int i : in_a)
            if (in_b.count(i)) both.insert(i);
        either.insert(in_b.begin(), in_b.end());
        const range h = hull(a, b);
        const bool right =
            a.size() == int(in_a.size()) && a.empty() == in_a.empty() &&
            elements(intersection(a, b)) == both && a.contains(b) == includes(in_a, in_b) &&
            includes(elements(h), either) &&
            (either.empty() ? h.empty() : h.lo == *either.begin() && h.hi == *either.rbegin() + 1);
        if (!right)
            FAIL_CHECK("[" << a.lo << " " << a.hi << ") and [" << b.lo << " " << b.hi << ")");
    });
}

TEST_CASE("boxes are sets of points") {
    random_boxes boxes;
    for (int i = 0; i < 3000; ++i) {
        const box a = boxes.next(), b = boxes.next();
        const auto in_a = points(a), in_b = points(b);
        std::set<int> both;
        std::set_intersection(in_a.begin(), in_a.end(), in_b.begin(), in_b.end(),
                              std::inserter(both, both.end()));
        const box h = hull(a, b);
        const bool right = a.count() == long(in_a.size()) && a.empty() == in_a.empty() &&
                           a.extents().count() == a.count() && points(intersection(a, b)) == both &&
                           a.contains(b) == includes(in_a, in_b) && h.contains(a) && h.contains(b);
        if (!right) FAIL_CHECK("pair " << i);
    }
}

TEST_CASE("the hull of boxes is the smallest: each face touches one of the two") {
    random_boxes boxes;
    for (int i = 0; i < 3000; ++i) {
        const box a = boxes.next(), b = boxes.next(), h = hull(a, b);
        if (a.empty()) CHECK(h == b);
        if (!a.empty() && b.empty()) CHECK(h == a);
        if (a.empty() || b.empty()) continue;
        for (const auto side : {&box::n, &box::c, &box::h, &box::w}) {
            CHECK((h.*side).lo == std::min((a.*side).lo, (b.*side).lo));
            CHECK((h.*side).hi == std::max((a.*side).hi, (b.*side).hi));
        }
    }
}

TEST_CASE("whole, extents and relative belong together") {
    STATIC_REQUIRE(whole({2, 3, 5, 7}) == box{{0, 2}, {0, 3}, {0, 5}, {0, 7}});
    STATIC_REQUIRE(whole({2, 3, 5, 7}).extents() == shape{2, 3, 5, 7});
    STATIC_REQUIRE(whole({2, 3, 5, 7}).count() == 210);
    constexpr box origin{{1, 9}, {2, 9}, {-3, 9}, {4, 9}};
    constexpr box b{{1, 3}, {4, 5}, {-3, 0}, {6, 9}};
    STATIC_REQUIRE(relative(b, origin) == box{{0, 2}, {2, 3}, {0, 3}, {2, 5}});
    STATIC_REQUIRE(relative(origin, origin) == whole(origin.extents()));
    STATIC_REQUIRE(relative(b, whole({9, 9, 9, 9})) == b);
}
