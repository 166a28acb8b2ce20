// SPDX-License-Identifier: MIT
// A reference to something callable: refers, does not copy; passes arguments and results through.
#include "support/catch.hpp"

#include <mpar/core/function_ref.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

using mpar::function_ref;

namespace {

int twice(function_ref<int(int)> f, int x) { return f(f(x)); }

int thrice(int x) { return 3 * x; }

struct counts_copies {
    int copies = 0;
    counts_copies() = default;
    counts_copies(const counts_copies& other) : copies(other.copies + 1) {}
    int operator()(int x) const { return copies * 1000 + x + 1; }
};

struct two_ways {
    std::string operator()() { return "mutable"; }
    std::string operator()() const { return "const"; }
};

}  // namespace

TEST_CASE("closures, functors and standard functions are called") {
    int calls = 0;
    CHECK(twice([&](int x) { return ++calls, x * 3; }, 5) == 45);
    CHECK(calls == 2);
    CHECK(twice(counts_copies(), 5) == 7);
    const std::function<int(int)> standard = [](int x) { return x - 1; };
    CHECK(twice(standard, 5) == 3);
    CHECK(twice(thrice, 5) == 45);
    CHECK(twice(&thrice, 5) == 45);
}

TEST_CASE("it refers to the callable: state changes there, nothing is copied") {
    counts_copies functor;
    const function_ref<int(int)> f = functor;
    CHECK(f(1) == 2);
    functor.copies = 4;
    CHECK(f(1) == 4002);
    int sum = 0;
    auto adds = [sum](int x) mutable { return sum += x; };
    const function_ref<int(int)> g = adds;
    g(2), g(3);
    CHECK(adds(0) == 5);
}

TEST_CASE("const and mutable callables keep their own call") {
    two_ways one;
    const two_ways other;
    CHECK(function_ref<std::string()>(one)() == "mutable");
    CHECK(function_ref<std::string()>(other)() == "const");
}

TEST_CASE("a copy refers to the same callable, not to the reference it was copied from") {
    auto first = [] { return 1; };
    auto second = [] { return 2; };
    function_ref<int()> f = first;
    const function_ref<int()> copy = f;
    f = function_ref<int()>(second);
    CHECK(copy() == 1);
    CHECK(f() == 2);
}

TEST_CASE("arguments and results pass as they are") {
    const auto take = [](std::unique_ptr<int> p) { return std::make_unique<int>(*p + 1); };
    const function_ref<std::unique_ptr<int>(std::unique_ptr<int>)> f = take;
    CHECK(*f(std::make_unique<int>(6)) == 7);

    int value = 1;
    const auto refer = [](int& x) -> int& { return ++x, x; };
    const function_ref<int&(int&)> g = refer;
    g(value) = 10;
    CHECK(value == 10);

    const auto ignored = [](const char*) {};
    function_ref<void(const char*)>{ignored}("nothing");
}

TEST_CASE("exceptions pass through") {
    const auto throws = []() -> int { throw std::runtime_error("words"); };
    const function_ref<int()> f = throws;
    CHECK_THROWS_WITH(f(), "words");
}
