// SPDX-License-Identifier: MIT
// Reads JSON text as a row of events, and spells strings. Knows RFC 8259; keeps no values. Weights
// need so little of JSON that a library of it would be most of what their programs compile.
#pragma once

#include <mpar/core/error.hpp>

#include <clocale>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace mpar::io {

/// Tells `events` what a text says, in its order, up to the first byte that is no JSON in UTF-8.
/// Events has, each of them may throw:
///   null(), boolean(), string(std::string&), key(std::string&),
///   start_object(), end_object(), start_array(), end_array(),
///   natural(std::uint64_t), negative()     an integer of 64 bits
///   real()                                 any other number that a double can hold
///   parse_error(std::size_t)               which byte, from 1: it is not to return
template <class Events>
class json_reader {
public:
    json_reader(std::string_view text, Events& events) : text_(text), events_(events) {}

    /// One value, and nothing after it.
    void read() {
        next_token();
        for (bool more = true; more;) more = read_value() && read_separators();
        next_token();
        if (token_ != end) fail();
    }

private:
    // A token is its first character; a number's is '0'.
    static constexpr int end = -1;

    [[noreturn]] void fail() {
        events_.parse_error(read_);
        throw error(fault::internal, "mpar: a reader of JSON goes on after a fault");
    }

    int next() {
        current_ = read_ < text_.size() ? static_cast<unsigned char>(text_[read_]) : end;
        ++read_;
        return current_;
    }

    void next_token() {
        do next();
        while (current_ == ' ' || current_ == '\t' || current_ == '\n' || current_ == '\r');
        token_ = current_;
        switch (token_) {
            case '{':
            case '}':
            case '[':
            case ']':
            case ':':
            case ',':
            case end: return;
            case '"': return scan_string();
            case 'n': return scan_literal("null");
            case 't': return scan_literal("true");
            case 'f': return scan_literal("false");
            default: return scan_number();
        }
    }

    /// Begins the value whose first token has been read, and reads it to its end unless it has
    /// parts. returns: true.
    bool read_value() {
        for (;;) {
            switch (token_) {
                case '{':
                    events_.start_object();
                    next_token();
                    if (token_ == '}') return events_.end_object(), true;
                    nesting_ += '{';
                    read_key();
                    continue;
                case '[':
                    events_.start_array();
                    next_token();
                    if (token_ == ']') return events_.end_array(), true;
                    nesting_ += '[';
                    continue;
                case '"': return events_.string(word_), true;
                case 'n': return events_.null(), true;
                case 't':
                case 'f': return events_.boolean(), true;
                case '0': return tell_number(), true;
                default: fail();
            }
        }
    }

    /// After a value: what ends here, up to the next value. returns: whether there is one.
    bool read_separators() {
        while (!nesting_.empty()) {
            const bool array = nesting_.back() == '[';
            next_token();
            if (token_ == ',') {
                next_token();
                if (!array) read_key();
                return true;
            }
            if (token_ != (array ? ']' : '}')) fail();
            nesting_.pop_back();
            array ? events_.end_array() : events_.end_object();
        }
        return false;
    }

    /// A key whose token has been read, its colon, and the first token of its value.
    void read_key() {
        if (token_ != '"') fail();
        events_.key(word_);
        next_token();
        if (token_ != ':') fail();
        next_token();
    }

    void scan_literal(std::string_view word) {
        for (const char c : word.substr(1)) {
            if (next() != static_cast<unsigned char>(c)) fail();
        }
    }

    bool digit() const { return current_ >= '0' && current_ <= '9'; }

    /// requires: one has to be here.
    void digits() {
        if (!digit()) fail();
        while (digit()) add(next_after());
    }

    void scan_number() {
        token_ = '0';
        word_.clear();
        integer_ = true;
        if (current_ == '-') add(next_after());
        if (current_ == '0') {
            add(next_after());
        } else {
            digits();
        }
        if (current_ == '.') {
            integer_ = false;
            word_ += *std::localeconv()->decimal_point;  // strtod's
            next();
            digits();
        }
        if (current_ == 'e' || current_ == 'E') {
            integer_ = false;
            add(next_after());
            if (current_ == '+' || current_ == '-') add(next_after());
            digits();
        }
        --read_;  // the character after it is still to be read
    }

    void tell_number() {
        const bool minus = word_.front() == '-';
        if (!integer_ || !fits(minus)) {
            if (!std::isfinite(std::strtod(word_.c_str(), nullptr))) fail();
            events_.real();
        } else if (minus) {
            events_.negative();
        } else {
            events_.natural(magnitude_);
        }
    }

    /// Whether the integer in `word_` has 64 bits; `magnitude_` is then its own.
    bool fits(bool minus) {
        const std::uint64_t most = minus ? std::uint64_t(1) << 63 : ~std::uint64_t(0);
        magnitude_ = 0;
        for (const char c : std::string_view(word_).substr(minus ? 1 : 0)) {
            const auto value = static_cast<std::uint64_t>(c - '0');
            if (magnitude_ > (most - value) / 10) return false;
            magnitude_ = magnitude_ * 10 + value;
        }
        return true;
    }

    /// The current character, after which the next one is read.
    int next_after() {
        const int before = current_;
        next();
        return before;
    }

    void add(int byte) { word_ += static_cast<char>(byte); }

    void scan_string() {
        word_.clear();
        while (next() != '"') {
            if (current_ < 0x20) fail();  // among them the end
            if (current_ == '\\') {
                scan_escape();
            } else {
                add(current_);
                if (current_ >= 0x80) scan_continuation();
            }
        }
    }

    /// After the first byte of a character of several.
    void scan_continuation() {
        const int lead = current_;
        if (lead < 0xc2 || lead > 0xf4) fail();
        // No overlong form, no surrogate, nothing beyond U+10FFFF: limits of the second byte.
        int least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        int most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        for (int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1; more > 0; --more) {
            next();
            if (current_ < least || current_ > most) fail();
            add(current_);
            least = 0x80;
            most = 0xbf;
        }
    }

    void scan_escape() {
        constexpr std::string_view escapes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        next();
        if (current_ == 'u') return scan_point();
        const auto which =
            current_ == end ? escapes.npos : escapes.find(static_cast<char>(current_));
        if (which == escapes.npos) fail();
        word_ += meanings[which];
    }

    /// \uXXXX, or two of them that are the halves of one character.
    void scan_point() {
        std::uint32_t point = four_digits();
        if (point >= 0xd800 && point < 0xdc00) {
            if (next() != '\\') fail();
            if (next() != 'u') fail();
            const std::uint32_t low = four_digits();
            if (low < 0xdc00 || low > 0xdfff) fail();
            point = 0x10000 + ((point - 0xd800) << 10 | (low - 0xdc00));
        } else if (point >= 0xdc00 && point < 0xe000) {
            fail();
        }
        const int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
        constexpr std::uint32_t marks[] = {0, 0xc0, 0xe0, 0xf0};
        add(static_cast<int>(marks[more] | point >> 6 * more));
        for (int k = more - 1; k >= 0; --k) add(static_cast<int>(0x80 | (point >> 6 * k & 0x3f)));
    }

    std::uint32_t four_digits() {
        std::uint32_t value = 0;
        for (int k = 0; k < 4; ++k) {
            next();
            const int letter = current_ | 0x20;
            if (!digit() && (letter < 'a' || letter > 'f')) fail();
            value = value << 4 |
                    static_cast<std::uint32_t>(digit() ? current_ - '0' : letter - 'a' + 10);
        }
        return value;
    }

    std::string_view text_;
    Events& events_;
    std::size_t read_ = 0;  ///< characters, the end counted as one
    int current_ = end, token_ = end;
    std::string word_;     ///< of the last string or number
    std::string nesting_;  ///< '{' and '[' that are open
    bool integer_ = true;  ///< the last number
    std::uint64_t magnitude_ = 0;
};

/// The text as a JSON string, with its quotes. requires: UTF-8.
inline std::string json_spelled(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    constexpr std::string_view short_ones = "\b\t\n\f\r\"\\", letters = "btnfr\"\\";
    std::string spelled = "\"";
    for (const char c : text) {
        const auto which = short_ones.find(c);
        const auto byte = static_cast<unsigned char>(c);
        if (which != short_ones.npos) {
            spelled += {'\\', letters[which]};
        } else if (byte < 0x20) {
            spelled += {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
        } else {
            spelled += c;
        }
    }
    return spelled + "\"";
}

}  // namespace mpar::io
