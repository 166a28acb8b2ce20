// SPDX-License-Identifier: MIT
// Sentences about bad files, and names out of files made fit to print. Knows no format.
#pragma once

#include <mpar/core/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace mpar::io {

/// `text` for a message: everything but printable ASCII as \xNN, at most `limit` bytes; a longer
/// one keeps its beginning and ends in "...".
[[gnu::cold]] inline std::string printable(std::string_view text, std::size_t limit = 48) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        std::string piece(1, c);
        if (byte < 0x20 || byte >= 0x7f) piece = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
        if (result.size() + piece.size() > limit) return result.substr(0, limit - 3) + "...";
        result += piece;
    }
    return result;
}

/// A path for a message: at most 64 bytes; a longer one keeps its end, where the name is.
[[gnu::cold]] inline std::string printable_path(std::string_view path) {
    constexpr std::size_t limit = 64;
    if (path.size() > limit) {
        return "..." + printable(path.substr(path.size() - (limit - 3)), limit - 3);
    }
    return printable(path, limit);
}

/// Throws the sentences about one file: `mpar: FILE: SENTENCE`, at most 300 bytes.
class refusal {
public:
    refusal(fault kind, std::string_view path) : kind_(kind), file_(printable_path(path)) {}

    /// throws: mpar::error, always.
    [[noreturn]] void operator()(const std::string& sentence) const {
        throw error(kind_, ("mpar: " + file_ + ": " + sentence).substr(0, 300));
    }

private:
    fault kind_;
    std::string file_;
};

}  // namespace mpar::io
