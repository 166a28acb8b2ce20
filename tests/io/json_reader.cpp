// SPDX-License-Identifier: MIT
// Tests of io/parse/json_reader.hpp: texts are what a library of JSON takes them for, to the byte of a fault.
#include <mpar/io/parse/json_reader.hpp>

#include "support/catch.hpp"

#include <optional>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

using namespace mpar;

namespace {

struct stop {};

/// What was said, a line each, up to the fault.
struct events {
    std::string said;

    void null() { said += "null\n"; }
    void boolean() { said += "boolean\n"; }
    void natural(std::uint64_t n) { said += "natural " + std::to_string(n) + "\n"; }
    void negative() { said += "negative\n"; }
    void real() { said += "real\n"; }
    void string(std::string& s) { said += "string " + s + "\n"; }
    void key(std::string& s) { said += "key " + s + "\n"; }
    void start_object() { said += "{\n"; }
    void end_object() { said += "}\n"; }
    void start_array() { said += "[\n"; }
    void end_array() { said += "]\n"; }
    [[noreturn]] void parse_error(std::size_t at) {
        said += "fault at " + std::to_string(at) + "\n";
        throw stop{};
    }
};

/// The library's events in the same words.
struct library_events {
    events to;
    using json = nlohmann::json;

    bool null() { return to.null(), true; }
    bool boolean(bool) { return to.boolean(), true; }
    bool number_integer(json::number_integer_t) { return to.negative(), true; }
    bool number_unsigned(json::number_unsigned_t n) { return to.natural(n), true; }
    bool number_float(json::number_float_t, const std::string&) { return to.real(), true; }
    bool string(std::string& s) { return to.string(s), true; }
    bool binary(json::binary_t&) { return true; }
    bool start_object(std::size_t) { return to.start_object(), true; }
    bool key(std::string& s) { return to.key(s), true; }
    bool end_object() { return to.end_object(), true; }
    bool start_array(std::size_t) { return to.start_array(), true; }
    bool end_array() { return to.end_array(), true; }
    bool parse_error(std::size_t at, const std::string&, const json::exception&) {
        to.parse_error(at);
    }
};

std::string ours(const std::string& text) {
    events e;
    try {
        io::json_reader(text, e).read();
    } catch (const stop&) {
    }
    return e.said;
}

std::string theirs(const std::string& text) {
    library_events e;
    try {
        nlohmann::json::sax_parse(text, &e);
    } catch (const stop&) {
    }
    return e.to.said;
}

const std::vector<std::string> texts = {
    R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"__metadata__":{"b":"c"}})",
    R"([ 0 , -0,1, -12.5e+3 ,0.25,1E2 ,true,false,null,"x", [ ] , { } , [[{"k":[1]}]] ])",
    R"(["\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00", "é€😀", "\u0000"])",
    R"([18446744073709551615,18446744073709551616,-9223372036854775808,-9223372036854775809])",
    R"([1e308,123456789012345678901234567890,1e-400,0.0000001,1e400,2])",
    "[" + std::string(400, '9') + "]",
    "\t{\n\r \"a\" \t: \n 1 , \"a\" : [\n] }  ",
    "[\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\xf0\x90\x80\x80\xc2\x80\xe0\xa0\x80\x7f\"]",
    R"("alone")",
    R"(7)",
};

const std::vector<std::string> pieces = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         "\"",
                                         "\\",
                                         "\\u12",
                                         "\\ud800",
                                         "\\udc00",
                                         "\\ud800\\u0041",
                                         "-",
                                         ".",
                                         "e",
                                         "+",
                                         "0",
                                         "9",
                                         "1e999",
                                         "nul",
                                         "tru",
                                         "fals",
                                         "null",
                                         "'",
                                         "/",
                                         "\n",
                                         "\x01",
                                         "\x80",
                                         "\xc0\x80",
                                         "\xc2",
                                         "\xed\xa0\x80",
                                         "\xf4\x90\x80\x80",
                                         "\xf5",
                                         "\xe0\x9f\x80",
                                         "\xf0\x8f\x80\x80",
                                         " ",
                                         "01",
                                         "\"a\":",
                                         "\xff"};

}  // namespace

TEST_CASE("whole texts are what they are to the library") {
    for (const auto& text : texts) {
        INFO(text);
        CHECK(ours(text) == theirs(text));
    }
}

TEST_CASE("so are texts that are cut off, and texts with something in their midst") {
    for (const auto& text : texts) {
        for (std::size_t at = 0; at <= text.size(); ++at) {
            if (at > 0 && ours(text.substr(0, at)) != theirs(text.substr(0, at))) {
                FAIL_CHECK("cut off at " << at << ": " << text);
            }
            for (const auto& piece : pieces) {
                const std::string more = text.substr(0, at) + piece + text.substr(at);
                if (ours(more) != theirs(more)) FAIL_CHECK("at " << at << ": " << more);
            }
        }
    }
}

TEST_CASE("so are texts that chance has made") {
    std::mt19937 chance(1);
    for (int round = 0; round < 20000; ++round) {
        std::string text = texts[chance() % texts.size()];
        for (auto changes = 1 + chance() % 4; changes > 0; --changes) {
            const auto at = chance() % text.size();
            if (chance() % 2) {
                text.erase(at, 1 + chance() % 3);
            } else {
                text.insert(at, pieces[chance() % pieces.size()]);
            }
            if (text.empty()) text = " ";
        }
        if (ours(text) != theirs(text)) FAIL_CHECK(text);
    }
}

TEST_CASE("a string is spelled as the library spells it") {
    std::string all;
    for (int c = 1; c < 128; ++c) all += static_cast<char>(c);
    for (const std::string& text : {all, std::string("é€😀"), std::string(), std::string("\0", 1)}) {
        CHECK(io::json_spelled(text) == nlohmann::json(text).dump());
    }
}
