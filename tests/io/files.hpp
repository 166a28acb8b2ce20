// SPDX-License-Identifier: MIT
// Small bad files for the tests of io, and what must come of them. Knows no format.
#pragma once

#include <mpar/core/error.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

namespace io_test {

/// A folder that goes away with the test.
class folder {
public:
    folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "mpar.XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() { std::filesystem::remove_all(path_); }

    std::string path(const std::string& name) const { return (path_ / name).string(); }

    std::string write(const std::string& name, const std::string& bytes) const {
        std::filesystem::remove(
            path(name));  // a file cut to nothing first would be synced when closed
        std::ofstream(path(name), std::ios::binary) << bytes;
        return path(name);
    }

    std::size_t files() const {
        const std::filesystem::directory_iterator all(path_);
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }

private:
    std::filesystem::path path_;
};

inline std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The little-endian bytes of a number.
template <class Int>
std::string le(Int number, std::size_t bytes = sizeof(Int)) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) {
        text += static_cast<char>(static_cast<std::uint64_t>(number) >> 8 * i & 0xff);
    }
    return text;
}

/// The call must throw an error of that kind: one printable sentence of at most 300 bytes that
/// begins with our name and has those words.
template <class Call>
void expect_refusal(mpar::fault kind, const std::string& words, Call call) {
    try {
        call();
    } catch (const mpar::error& error) {
        const std::string sentence = error.what();
        INFO(sentence);
        CHECK(error.kind() == kind);
        CHECK(sentence.starts_with("mpar: "));
        CHECK(sentence.size() <= 300);
        CHECK_THAT(sentence, Catch::Matchers::ContainsSubstring(words));
        bool printable = true;
        for (const char c : sentence) printable = printable && c >= ' ' && c <= '~';
        CHECK(printable);
        return;
    }
    FAIL_CHECK("accepted what should be refused with: " << words);
}

/// The folder of the real pictures and weights, where MPAR_REAL_DATA names it; else a warning.
inline std::optional<std::string> real_file(const std::string& name) {
    const char* where = std::getenv("MPAR_REAL_DATA");
    const std::string path = where ? std::string(where) + "/" + name : "";
    if (where && std::filesystem::exists(path)) return path;
    WARN("skipped: MPAR_REAL_DATA names no folder with " << name);
    return std::nullopt;
}

/// Reads `count` damaged versions of `good`: bytes changed, runs removed, doubled or cut off. Each
/// must be taken or refused with mpar::error; how many were refused.
template <class Read>
int survive(const std::string& good, int count, std::uint64_t seed, Read read) {
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    int refused = 0;
    for (int i = 0; i < count; ++i) {
        std::string bytes = good;
        for (std::size_t edits = 1 + below(3); edits > 0 && !bytes.empty(); --edits) {
            const std::size_t at = below(bytes.size());
            const std::size_t run = 1 + below(std::min<std::size_t>(16, bytes.size() - at));
            switch (below(7)) {
                case 0: bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8)); break;
                case 1: bytes[at] = static_cast<char>(below(256)); break;
                case 2: bytes[at] = "\x00\xff\x7f\x80"[below(4)]; break;
                case 3: bytes.erase(at, run); break;
                case 4: bytes.insert(at, bytes.substr(at, run)); break;
                case 5: bytes.replace(at, run, bytes.substr(below(bytes.size()), run)); break;
                default: bytes.resize(at); break;
            }
        }
        try {
            read(bytes);
        } catch (const mpar::error& error) {
            ++refused;
            if (std::string(error.what()).size() > 300) FAIL_CHECK(error.what());
        }
    }
    return refused;
}

}  // namespace io_test
