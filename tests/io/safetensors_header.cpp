// SPDX-License-Identifier: MIT
// Tests of io/weights/safetensors_header.hpp and of the rules around it: files that must be refused, and
// why.
#include <mpar/io/safetensors.hpp>

#include "io/files.hpp"

#include <chrono>
#include <set>

using namespace mpar;
using io_test::expect_refusal;
using io_test::le;

namespace {

struct bad_file {
    const char* words;  ///< of the message
    std::string bytes;
};

std::string file_of(const std::string& header, std::size_t data = 0) {
    return le<std::uint64_t>(header.size()) + header + std::string(data, 'd');
}

/// One tensor 'a' with that text for its entry.
std::string with_entry(const std::string& entry, std::size_t data = 8) {
    return file_of("{\"a\":" + entry + "}", data);
}

/// An F32 tensor of that shape over bytes [begin, end).
std::string entry(const std::string& shape, const std::string& offsets) {
    return "{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

/// A tensor called `name` of u8 over bytes [begin, end).
std::string bytes(const std::string& name, std::uint64_t begin, std::uint64_t end) {
    return "\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[" + std::to_string(end - begin) +
           "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
}

const std::string good_entry = entry("[2]", "[0,8]");

}  // namespace

TEST_CASE("the frame: length of the header and of the file") {
    const io_test::folder folder;
    for (const bad_file& bad : std::vector<bad_file>{
             {"has 0 bytes, fewer than the 8", ""},
             {"has 7 bytes, fewer than the 8", std::string(7, 2)},
             {"does not begin with '{' at byte 8", le<std::uint64_t>(0)},
             {"the header ends at byte 10 but the file ends at 8", le<std::uint64_t>(2)},
             {"the header ends at byte 11 but the file ends at 10", le<std::uint64_t>(3) + "{}"},
             {"length is 100000001, more than 100000000", le<std::uint64_t>(100'000'001) + "{}"},
             {"length is 18446744073709551615", le(~std::uint64_t(0)) + "{}"},
             {"length is 9223372036854775808", le(std::uint64_t(1) << 63) + "{}"},
             {"the tensors end at byte 0 of the data, which has 1", file_of("{}", 1)},
             {"the tensors end at byte 8 of the data, which has 9", with_entry(good_entry, 9)},
             {"tensor 'a' ends at byte 8 but the data ends at 7", with_entry(good_entry, 7)},
             {"ends at byte 8 but the data ends at 0", with_entry(good_entry, 0)},
             {"does not begin with '{'", file_of(" {}")},
             {"does not begin with '{'", file_of("\xef\xbb\xbf{}")},
             {"does not begin with '{'", file_of("[]")},
         }) {
        expect_refusal(fault::model, bad.words,
                       [&] { io::read_safetensors(folder.write("w.safetensors", bad.bytes)); });
    }
}

TEST_CASE("the header: JSON of one form") {
    const io_test::folder folder;
    const std::string deep = std::string(100'000, '[');
    for (const bad_file& bad : std::vector<bad_file>{
             {"not valid JSON in UTF-8 at byte 9", file_of("{")},
             {"not valid JSON", file_of("{}{}")},
             {"not valid JSON", file_of("{},")},
             {"not valid JSON", file_of("{'a':1}")},
             {"not valid JSON", file_of("{/**/}")},
             {"not valid JSON", file_of("{\"a\xff\":{}}")},
             {"not valid JSON", file_of("{\"a\xc0\x80\":{}}")},
             {"not valid JSON", file_of("{\"\\ud800\":{}}")},
             {"not valid JSON", file_of("{\"a\nb\":{}}")},
             {"not valid JSON", with_entry(good_entry + ",")},
             {"zero byte at byte 10", file_of(std::string("{}\0\0", 4))},
             {"zero byte at byte 9", file_of(std::string("{\0}", 3))},
             {"tensor 'a' is a number, expected an object", with_entry("1")},
             {"tensor 'a' is an array, expected an object", with_entry("[]")},
             {"tensor 'a' is null, expected an object", with_entry("null")},
             {"tensor 'a' is a string", with_entry("\"F32\"")},
             {"tensor 'a' has no dtype", with_entry("{}")},
             {"tensor 'a' has no shape", with_entry("{\"dtype\":\"F32\"}")},
             {"has no data_offsets", with_entry("{\"dtype\":\"F32\",\"shape\":[2]}")},
             {"has the unknown key 'strides'", with_entry("{\"strides\":[1]}")},
             {"has the unknown key 'DTYPE'", with_entry("{\"DTYPE\":\"F32\"}")},
             {"has the unknown key 'a\\x00b'", with_entry("{\"a\\u0000b\":1}")},
             {"has the key 'dtype' twice", with_entry("{\"dtype\":\"F32\",\"dtype\":\"F32\"}")},
             {"has the key 'shape' twice",
              with_entry("{\"shape\":[1],\"sha\\u0070e\":[2],\"dtype\":\"F32\"}")},
             {"key 'data_offsets' twice",
              with_entry("{\"data_offsets\":[0,8],\"data_offsets\":[0,8]}")},
             {"tensor 'a' occurs twice",
              file_of("{" + bytes("a", 0, 4) + "," + bytes("a", 4, 8) + "}", 8)},
             {"tensor 'a' occurs twice",
              file_of("{" + bytes("a", 0, 4) + "," + bytes("\\u0061", 4, 8) + "}", 8)},
             {"an array in its shape", with_entry(entry(deep, "[0,8]"))},
             {"tensor 'a' is an array", with_entry(deep)},
             {"an object in its shape", with_entry(entry("{}", "[0,8]"))},
         }) {
        expect_refusal(fault::model, bad.words,
                       [&] { io::read_safetensors(folder.write("w.safetensors", bad.bytes)); });
    }
}

TEST_CASE("metadata: strings only") {
    const io_test::folder folder;
    for (const bad_file& bad : std::vector<bad_file>{
             {"'__metadata__' holds a number", file_of(R"({"__metadata__":{"a":1}})")},
             {"'__metadata__' holds null", file_of(R"({"__metadata__":{"a":null}})")},
             {"'__metadata__' holds an object", file_of(R"({"__metadata__":{"a":{}}})")},
             {"'__metadata__' holds an array", file_of(R"({"__metadata__":[]})")},
             {"'__metadata__' holds a string", file_of(R"({"__metadata__":"pt"})")},
             {"'__metadata__' has the key 'a' twice",
              file_of(R"({"__metadata__":{"a":"1","b":"","a":"1"}})")},
             {"'__metadata__' occurs twice", file_of(R"({"__metadata__":{},"__metadata__":{}})")},
         }) {
        expect_refusal(fault::model, bad.words,
                       [&] { io::read_safetensors(folder.write("w.safetensors", bad.bytes)); });
    }
}

TEST_CASE("types, shapes and offsets: sizes that agree") {
    const io_test::folder folder;
    const auto typed = [](const std::string& type) {
        return with_entry("{\"dtype\":" + type + ",\"shape\":[2],\"data_offsets\":[0,8]}");
    };
    for (const bad_file& bad : std::vector<bad_file>{
             {"the unknown dtype 'F99'", typed("\"F99\"")},
             {"the unknown dtype 'f32'", typed("\"f32\"")},
             {"the unknown dtype ''", typed("\"\"")},
             {"the unknown dtype 'F32\\x00'", typed("\"F32\\u0000\"")},
             {"a number as its dtype", typed("32")},
             {"an array as its dtype", typed("[\"F32\"]")},
             {"tensor 'a' of F64 takes 16 bytes but its data_offsets span 8", typed("\"F64\"")},
             {"takes 12 bytes but its data_offsets span 8", with_entry(entry("[3]", "[0,8]"))},
             {"takes 0 bytes but its data_offsets span 8", with_entry(entry("[0]", "[0,8]"))},
             {"takes 4 bytes but its data_offsets span 8", with_entry(entry("[]", "[0,8]"))},
             {"a negative number in its shape", with_entry(entry("[-2]", "[0,8]"))},
             {"a number that is not a 64-bit integer in its shape",
              with_entry(entry("[2.0]", "[0,8]"))},
             {"not a 64-bit integer in its shape", with_entry(entry("[2e0]", "[0,8]"))},
             {"not a 64-bit integer", with_entry(entry("[18446744073709551616]", "[0,8]"))},
             {"an extent of 9223372036854775808",
              with_entry(entry("[9223372036854775808]", "[0,8]"))},
             {"does not fit in 64 bits", with_entry(entry("[4611686018427387904,4]", "[0,0]"), 0)},
             {"does not fit in 64 bits",
              with_entry(entry("[4294967296,4294967296,0]", "[0,0]"), 0)},
             {"does not fit in 64 bits", with_entry(entry("[4294967296,1073741824]", "[0,0]"), 0)},
             {"takes 16777216 bytes but", with_entry(entry("[2048,2048]", "[0,8]"))},
             {"has more than 8 dimensions", with_entry(entry("[1,1,1,1,1,1,1,1,2]", "[0,8]"))},
             {"null in its shape", with_entry(entry("[null]", "[0,8]"))},
             {"a string in its shape", with_entry(entry("[\"2\"]", "[0,8]"))},
             {"a boolean in its shape", with_entry(entry("true", "[0,8]"))},
             {"data_offsets that are not two numbers", with_entry(entry("[2]", "[]"))},
             {"data_offsets that are not two numbers", with_entry(entry("[2]", "[8]"))},
             {"more than two data_offsets", with_entry(entry("[2]", "[0,8,8]"))},
             {"begins at byte 8 and ends at 0", with_entry(entry("[2]", "[8,0]"))},
             {"a negative number in its data_offsets", with_entry(entry("[2]", "[-8,0]"))},
             {"ends at byte 16 but the data ends at 8", with_entry(entry("[2]", "[8,16]"))},
             {"ends at byte 18446744073709551615 but the data ends at 8",
              with_entry(entry("[2]", "[18446744073709551607,18446744073709551615]"))},
             {"tensor 'a' begins at byte 4 of the data, expected 0: a hole",
              with_entry(entry("[1]", "[4,8]"))},
             {"tensor 'b' begins at byte 5 of the data, expected 4: a hole",
              file_of("{" + bytes("a", 0, 4) + "," + bytes("b", 5, 8) + "}", 8)},
             {"tensor 'b' begins at byte 3 of the data, expected 4: an overlap",
              file_of("{" + bytes("a", 0, 4) + "," + bytes("b", 3, 8) + "}", 8)},
             {"expected 8: an overlap",
              file_of("{" + bytes("a", 0, 8) + "," + bytes("b", 0, 8) + "}", 8)},
             {"tensor 'e' begins at byte 2 of the data, expected 4: an overlap",
              file_of(
                  "{" + bytes("a", 0, 4) + "," + bytes("e", 2, 2) + "," + bytes("b", 4, 8) + "}",
                  8)},
         }) {
        expect_refusal(fault::model, bad.words,
                       [&] { io::read_safetensors(folder.write("w.safetensors", bad.bytes)); });
    }
}

TEST_CASE("names of tensors") {
    const io_test::folder folder;
    const auto named = [](const std::string& name) {
        return file_of("{" + bytes(name, 0, 8) + "}", 8);
    };
    for (const bad_file& bad : std::vector<bad_file>{
             {"steps to a parent folder", named("/../etc/passwd")},
             {"steps to a parent folder", named("..\\/a")},
             {"tensor 'a\\x1b[2Jb' has a control character", named("a\\u001b[2Jb")},
             {"tensor 'a\\x00b' has a control character", named("a\\u0000b")},
             {"has a control character", named("\\u007f")},
             {"has a control character", named("\\u0085")},
             {"has a name of 513 bytes, more than 512", named(std::string(513, 'n'))},
             {"has a name of 514 bytes", named(std::string(514, 'n'))},
         }) {
        expect_refusal(fault::model, bad.words,
                       [&] { io::read_safetensors(folder.write("w.safetensors", bad.bytes)); });
    }
    CHECK_NOTHROW(io::read_safetensors(folder.write("w", named(std::string(512, 'n')))));
}

TEST_CASE("a million tensors and no more") {
    const io_test::folder folder;
    std::string header = "{";
    for (int i = 0; i <= 1'000'000; ++i) {
        header += (i ? ",\"" : "\"") + std::to_string(i) +
                  "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    }
    const auto path = folder.write("w.safetensors", file_of(header + "}"));
    expect_refusal(fault::model, "more than 1000000 tensors", [&] { io::read_safetensors(path); });
}

TEST_CASE("damaged headers are read or refused") {
    const io_test::folder folder;
    const std::string good =
        file_of("{\"__metadata__\":{\"format\":\"pt\"}," + bytes("a", 0, 16) +
                    ",\"w\":{\"dtype\":\"F32\",\"shape\":[2,3,1],\"data_offsets\":[16,40]}," +
                    bytes("z", 40, 41) + "}",
                41);
    REQUIRE_NOTHROW(io::read_safetensors(folder.write("w", good)));
    const int refused = io_test::survive(good, 4000, 1, [&](const std::string& damaged) {
        const auto file = io::read_safetensors(folder.write("w", damaged));
        std::size_t total = 0;
        for (const auto& tensor : file.tensors()) total += tensor.bytes.size();
        if (total > damaged.size()) FAIL_CHECK("more bytes than the file has");
    });
    CHECK(refused > 2000);
}
