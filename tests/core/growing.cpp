// SPDX-License-Identifier: MIT
// Tests of core/growing.hpp: it holds what a std::vector holds after the same calls.
#include <mpar/core/growing.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <string>

using namespace mpar;

namespace {

template <class T>
bool same(const growing<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && a.empty() == b.empty() &&
           std::equal(a.begin(), a.end(), b.begin());
}

template <class T, class Make>
void expect_as_vector(Make make) {
    std::mt19937 chance(1);
    growing<T> a;
    std::vector<T> b;
    for (int round = 0; round < 2000; ++round) {
        const std::size_t some = chance() % 7;
        const T value = make(int(chance() % 1000));
        switch (chance() % 8) {
            case 0:
            case 1: a.push_back(value), b.push_back(value); break;
            case 2: a.resize(b.size() + some, value), b.resize(b.size() + some, value); break;
            case 3:
                a.resize(b.size() - std::min(b.size(), some));
                b.resize(b.size() - std::min(b.size(), some));
                break;
            case 4:
                if (!b.empty()) a.pop_back(), b.pop_back();
                break;
            case 5: {
                const growing<T> more(some, value);
                a.append(more.data(), more.size());
                b.insert(b.end(), more.begin(), more.end());
                break;
            }
            case 6: {
                const auto from = std::min(b.size(), some), to = std::min(b.size(), from + 2);
                a.erase(a.begin() + from, a.begin() + to);
                b.erase(b.begin() + long(from), b.begin() + long(to));
                break;
            }
            case 7:
                if (!b.empty()) a.push_back(a.front()), b.push_back(T(b.front()));
                break;
        }
        if (b.size() > 100) a.clear(), b.clear();
        REQUIRE(same(a, b));
        const growing<T> copy = a;
        growing<T> other(3, value);
        other = copy;
        REQUIRE(other == a);
        REQUIRE(same(growing<T>(b), std::vector<T>(a)));
        if (!b.empty() && b.back() != make(-1)) {
            other.back() = make(-1);
            REQUIRE_FALSE(other == a);
            REQUIRE(copy == a);
        }
    }
}

constexpr int sum_of_squares(int n) {
    growing<int> squares;
    growing<growing<int>> nested(2, growing<int>{1, 2});
    for (int i = 0; i < n; ++i) squares.push_back(i * i);
    growing<int> moved = std::move(squares);
    squares.assign(2, 7);
    nested.pop_back();
    int sum = nested.back().back() - 2 + squares[1] - 7;
    for (const int s : moved) sum += s;
    return sum;
}

}  // namespace

TEST_CASE("plain elements and others, after any calls") {
    expect_as_vector<int>([](int i) { return i; });
    expect_as_vector<bool>([](int i) { return i < 0 || i % 2 == 1; });
    expect_as_vector<std::string>(
        [](int i) { return std::string(std::size_t(i + 1) % 50, 'x') + std::to_string(i); });
}

TEST_CASE("elements that only move") {
    growing<std::unique_ptr<int>> all;
    for (int i = 0; i < 100; ++i) all.push_back(std::make_unique<int>(i));
    for (int i = 0; i < 100; ++i) CHECK(*all[std::size_t(i)] == i);
}

TEST_CASE("also at compile time") { static_assert(sum_of_squares(10) == 285); }

TEST_CASE("more than there can be is refused") {
    growing<long> all;
    CHECK_THROWS_AS(all.reserve(std::size_t(-1) / 8), std::bad_alloc);
    CHECK(all.empty());
}
