// SPDX-License-Identifier: MIT
// Little-endian numbers and runs of bytes taken from a file in order. Knows no format.
#pragma once

#include <mpar/io/parse/refusal.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace mpar::io::detail {

/// A position in the bytes of a file. Every step is checked against the end.
class cursor {
public:
    cursor(std::span<const std::byte> bytes, std::size_t position, const refusal& refuse)
        : bytes_(bytes), position_(position), refuse_(refuse) {
        if (position > bytes.size()) ends(position);
    }

    std::size_t position() const { return position_; }
    std::size_t left() const { return bytes_.size() - position_; }

    /// The next `count` bytes. throws: when the file holds fewer.
    std::span<const std::byte> take(std::uint64_t count) {
        if (count > left()) ends(position_);
        const auto taken = bytes_.subspan(position_, count);
        position_ += count;
        return taken;
    }

    /// The next little-endian integer.
    template <class Int>
    Int number() {
        Int value;
        std::memcpy(&value, take(sizeof(Int)).data(), sizeof(Int));
        return value;
    }

    std::string_view text(std::uint64_t count) {
        const auto taken = take(count);
        return {reinterpret_cast<const char*>(taken.data()), taken.size()};
    }

    /// The text up to the next line feed, which is taken too.
    std::string_view line() {
        const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_,
                                    left());
        const auto end = rest.find('\n');
        if (end == std::string_view::npos) ends(position_);
        position_ += end + 1;
        return rest.substr(0, end);
    }

private:
    [[noreturn]] void ends(std::size_t wanted) const {
        refuse_("the data ends at byte " + std::to_string(bytes_.size()) +
                " inside what begins at byte " + std::to_string(wanted));
    }

    std::span<const std::byte> bytes_;
    std::size_t position_;
    const refusal& refuse_;
};

}  // namespace mpar::io::detail
