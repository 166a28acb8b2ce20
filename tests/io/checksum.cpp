// SPDX-License-Identifier: MIT
// Every changed bit changes the sum, and so do order, length and seed; the numbers are these.
#include "support/catch.hpp"

#include <mpar/io/checksum.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace mpar;

namespace {

std::uint64_t sum(const std::string& text, std::uint64_t seed = 0) {
    return io::checksum(std::as_bytes(std::span(text)), seed);
}

std::string text_of(std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i) text += char(io::splitmix64(i));
    return text;
}

}  // namespace

TEST_CASE("the sum is the same on every machine") {
    CHECK(sum("") == 0xca83148eedf5bdfdu);
    CHECK(sum("mpar") == 0x034956a347c4698cu);
    CHECK(sum(text_of(1000)) == 0x5a388d73166c081bu);
    CHECK(sum(text_of(1000), 1) == 0xad0640b547e68c37u);
}

TEST_CASE("a flipped bit, a length and a seed are told apart") {
    for (const std::size_t length : {1, 8, 63, 64, 65, 200}) {
        const std::string text = text_of(length);
        std::set<std::uint64_t> sums{sum(text), sum(text, 1), sum(text + '\0')};
        for (std::size_t bit = 0; bit < 8 * length; ++bit) {
            std::string other = text;
            other[bit / 8] = char(other[bit / 8] ^ 1 << bit % 8);
            sums.insert(sum(other));
        }
        CHECK(sums.size() == 8 * length + 3);
    }
}

TEST_CASE("exchanged words are told apart, near and far") {
    const std::string text = text_of(512);
    std::set<std::uint64_t> sums{sum(text)};
    for (std::size_t i = 8; i < 512; i += 8) {
        std::string other = text;
        std::swap_ranges(other.begin(), other.begin() + 8, other.begin() + std::ptrdiff_t(i));
        sums.insert(sum(other));
    }
    CHECK(sums.size() == 64);
}

TEST_CASE("any two signs that change are told apart") {
    const std::string text = text_of(640);
    std::set<std::uint64_t> sums{sum(text)};
    const auto flipped = [](std::string t, std::size_t number) {
        t[4 * number + 3] = char(t[4 * number + 3] ^ 0x80);
        return t;
    };
    for (std::size_t i = 0; i < 160; ++i) {
        for (std::size_t j = 0; j < i; ++j) sums.insert(sum(flipped(flipped(text, i), j)));
    }
    CHECK(sums.size() == 1 + 160 * 159 / 2);
}
