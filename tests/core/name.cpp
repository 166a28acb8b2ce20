// SPDX-License-Identifier: MIT
// Names of types as messages print them: without the namespaces in front, arguments kept.
#include "support/catch.hpp"

#include <mpar/core/name.hpp>

#include <ratio>
#include <string>
#include <utility>

using mpar::name_of;

namespace outer::inner {

struct plain {};
template <int A, int B = 7>
struct numbers {};
template <class... T>
struct types {
    struct nested {};
};

}  // namespace outer::inner

struct global {};

namespace {

struct hidden {
    struct body {};
};

}  // namespace

TEST_CASE("the namespaces in front of a type are left out") {
    STATIC_REQUIRE(name_of<global>() == "global");
    STATIC_REQUIRE(name_of<outer::inner::plain>() == "plain");
    STATIC_REQUIRE(name_of<hidden>() == "hidden");
    STATIC_REQUIRE(name_of<hidden::body>() == "body");
    STATIC_REQUIRE(name_of<int>() == "int");
}

TEST_CASE("arguments of a template are kept, defaults too") {
    using namespace outer::inner;
    STATIC_REQUIRE(name_of<numbers<64, 128>>() == "numbers<64, 128>");
    STATIC_REQUIRE(name_of<numbers<-1>>() == "numbers<-1>" ||
                   name_of<numbers<-1>>() == "numbers<-1, 7>");
    STATIC_REQUIRE(name_of<types<int, double>>() == "types<int, double>");
    STATIC_REQUIRE(name_of<types<>>() == "types<>");
}

TEST_CASE("namespaces of the arguments stay: only what stands in front goes") {
    using namespace outer::inner;
    const std::string name(name_of<types<plain, types<numbers<1, 2>>>>());
    CHECK(name.starts_with("types<"));
    CHECK(name.find("plain") != std::string::npos);
    CHECK(name.find("numbers<1, 2>") != std::string::npos);
    CHECK(name.ends_with(">"));
}

TEST_CASE("a type local to a function") {
    struct local {};
    CHECK(std::string(name_of<local>()).ends_with("local"));
}

TEST_CASE("names are there at compile time and live for ever") {
    constexpr std::string_view name = name_of<outer::inner::plain>();
    STATIC_REQUIRE(name.size() == 5);
    CHECK(name.data() != nullptr);
}
