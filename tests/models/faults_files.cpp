// SPDX-License-Identifier: MIT
// Weight files that are none, or broken as files: every rank throws the same sentence, and the net
// stays usable. Bad on one rank only: faults_ranks.cpp.
// isa: native
// ranks: 1 2 3
#include "models/faults.hpp"

#include "io/torch_bytes.hpp"

using namespace mpar;
using namespace faults;

namespace {

struct bad_bytes {
    std::string name, words, bytes;
};

void check_all(const std::vector<bad_bytes>& cases) {
    const job_folder folder;
    const std::string good = folder.write("good.safetensors", safetensors(seeded_state()));
    for (const auto& bad : cases) {
        refuses(bad.name, fault::model, bad.words, folder.write("bad", bad.bytes), good);
    }
}

/// One entry of a header; `about` stands for all of it.
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return "{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}
std::string named(const std::string& name, const std::string& about) {
    return "\"" + name + "\":" + about;
}
/// A file with one tensor 'a' of eight bytes.
std::string one(const std::string& about, std::size_t data = 8) {
    return framed("{" + named("a", about) + "}", std::string(data, 'd'));
}

const std::string f32 = "\"F32\"";

}  // namespace

TEST_CASE("no file at all") {
    const job_folder folder;
    const auto good = folder.write("good.safetensors", safetensors(seeded_state()));
    const auto empty = folder.make_folder("folder");
    refuses("missing", fault::model, "cannot be opened: No such file", folder.path("none"), good);
    refuses("no path", fault::model, "cannot be opened", "", good);
    refuses("under a file", fault::model, "cannot be opened", good + "/weights", good);
    refuses("a folder", fault::model, "is a directory", empty, good);
    refuses("a device", fault::model, "is not a regular file", "/dev/zero", good);
    refuses("a zero byte", fault::model, "zero byte", good + std::string("\0.bin", 5), good);
    refuses("a long name", fault::model, "cannot be opened", folder.path(std::string(300, 'x')),
            good);
    refuses("a name of controls", fault::model, "cannot be opened",
            folder.path("a\nmpar: b\x1b[31m\xff"), good);
}

TEST_CASE("a file of something else") {
    check_all({
        {"empty", "is empty", ""},
        {"one byte", "neither a safetensors", "x"},
        {"text", "neither a safetensors", "the weights of the network\n"},
        {"zeros", "neither a safetensors", std::string(1000, '\0')},
        {"ones", "neither a safetensors", std::string(1000, '\xff')},
        {"PNG", "neither a safetensors", "\x89PNG\r\n\x1a\n" + std::string(100, '\0')},
        {"zip of nothing", "it has no data.pkl", io_test::zip({{"a.txt", "text"}})},
    });
}

TEST_CASE("a file cut off or gone on with") {
    const std::string whole = safetensors(seeded_state());
    std::uint64_t header = 0;
    std::memcpy(&header, whole.data(), 8);
    std::vector<bad_bytes> cases;
    const auto cut_at = [&](std::size_t length, const std::string& words) {
        cases.push_back({"cut at " + std::to_string(length), words, whole.substr(0, length)});
    };
    for (const std::size_t length : {1, 7, 8}) cut_at(length, "neither a safetensors");
    for (const std::size_t length : {std::size_t(9), std::size_t(100), std::size_t(7 + header)})
        cut_at(length, "the header ends at byte");
    const std::size_t data = whole.size() - 8 - header;
    for (const std::size_t length : {std::size_t(0), std::size_t(1), data / 2, data - 4, data - 1})
        cut_at(8 + header + length, "the data ends at " + std::to_string(length));
    cases.push_back({"one byte more", "the tensors end at byte", whole + "x"});
    cases.push_back({"twice", "the tensors end at byte", whole + whole});
    check_all(cases);
}

TEST_CASE("headers that are none") {
    const auto length = [](std::uint64_t n) { return io_test::le(n) + "{}"; };
    check_all({
        {"longest", "more than 100000000", length(~std::uint64_t(0))},
        {"2^63", "more than 100000000", length(std::uint64_t(1) << 63)},
        {"100,000,001", "more than 100000000", length(100'000'001)},
        {"too long", "the header ends at byte 11", length(3)},
        {"nothing", "does not begin with '{'", length(0)},
        {"no JSON", "not valid JSON", framed("{,}", "")},
        {"not closed", "not valid JSON", framed("{", "")},
        {"two", "not valid JSON", framed("{}{}", "")},
        {"a zero byte", "zero byte", framed(std::string("{\0}", 3), "")},
        {"no UTF-8", "not valid JSON", framed("{\"\xff\":{}}", "")},
        {"deep", "", framed("{\"a\":" + std::string(100'000, '['), "")},
        {"no tensor", "is missing", framed("{}", "")},
        {"data of no tensor", "the tensors end at byte 0", framed("{}", "12345678")},
        {"numbers in metadata", "'__metadata__' holds", framed("{\"__metadata__\":{\"a\":1}}", "")},
    });
}

TEST_CASE("headers with a bad entry") {
    const std::string good = entry(f32, "[2]", "[0,8]");
    const auto pair = [&](const std::string& a, const std::string& b) {
        return framed(
            "{" + named("a", entry(f32, "[2]", a)) + "," + named("b", entry(f32, "[2]", b)) + "}",
            std::string(16, 'd'));
    };
    check_all({
        {"type", "unknown dtype 'F99'", one(entry("\"F99\"", "[2]", "[0,8]"))},
        {"type as a number", "as its dtype", one(entry("32", "[2]", "[0,8]"))},
        {"negative extent", "in its shape", one(entry(f32, "[-2]", "[0,8]"))},
        {"broken extent", "in its shape", one(entry(f32, "[2.5]", "[0,8]"))},
        {"nine extents", "more than 8 dimensions", one(entry(f32, "[1,1,1,1,1,1,1,1,2]", "[0,8]"))},
        {"2^126 elements", "does not fit in 64 bits",
         one(entry(f32, "[9223372036854775807,9223372036854775807]", "[0,8]"))},
        {"size", "takes 12 bytes", one(entry(f32, "[3]", "[0,8]"))},
        {"backwards", "begins at byte 8 and ends at 0", one(entry(f32, "[2]", "[8,0]"))},
        {"beyond the end", "but the data ends at 8", one(entry(f32, "[4]", "[0,16]"))},
        {"one offset", "not two numbers", one(entry(f32, "[2]", "[0]"))},
        {"three offsets", "more than two", one(entry(f32, "[2]", "[0,8,16]"))},
        {"no shape", "has no shape", one("{\"dtype\":\"F32\",\"data_offsets\":[0,8]}")},
        {"unknown key", "unknown key 'order'",
         one("{\"order\":\"C\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}")},
        {"null", "is null", one("null")},
        {"overlap", "an overlap", pair("[0,8]", "[4,12]")},
        {"hole", "a hole", pair("[0,8]", "[9,17]").append("d")},
        {"twice", "occurs twice",
         framed("{" + named("a", good) + "," + named("a", entry(f32, "[2]", "[8,16]")) + "}",
                std::string(16, 'd'))},
        {"controls in a name", "control character",
         framed("{" + named("a\\n\\u001b[31m", good) + "}", std::string(8, 'd'))},
        {"a folder in a name", "steps to a parent folder",
         framed("{" + named("../a", good) + "}", std::string(8, 'd'))},
        {"a long name", "more than 512",
         framed("{" + named(std::string(600, 'n'), good) + "}", std::string(8, 'd'))},
    });
}

TEST_CASE("pickles that name or do what no state dict needs") {
    using namespace io_test;
    const auto call = [](const std::string& module, const std::string& name) {
        return dict({{"a", global(module, name) + tuple(strings{text("echo mpar")}) + "R"}});
    };
    std::vector<bad_bytes> cases;
    for (const auto& [module, name] :
         {std::pair("os", "system"), std::pair("posix", "system"), std::pair("builtins", "eval"),
          std::pair("__builtin__", "exec"), std::pair("subprocess", "Popen"),
          std::pair("torch", "load"), std::pair("torch.hub", "load"),
          std::pair("numpy.core.multiarray", "_reconstruct")}) {
        const std::string words = "entry 'a' of the state dict is no tensor, but of type '" +
                                  std::string(module) + "." + name + "'";
        cases.push_back({words + " in a zip", words, torch_zip(call(module, name), {})});
        cases.push_back({words + " in a stream", words, torch_stream(call(module, name), {})});
    }
    const std::string two = storage("FloatStorage", "0", 2);
    cases.push_back({"a storage that is not there", "is not in the archive",
                     torch_zip(dict({{"a", io_test::tensor(two, 0, {2}, {1})}}), {})});
    cases.push_back(
        {"beyond its storage", "reaches beyond",
         torch_zip(dict({{"a", io_test::tensor(two, 1, {2}, {1})}}), {{"0", "12345678"}})});
    cases.push_back({"no dict", "no state dict", torch_zip(integer(1), {})});
    const std::string good =
        torch_zip(dict({{"a", io_test::tensor(two, 0, {2}, {1})}}), {{"0", "12345678"}});
    cases.push_back({"a zip cut off", "", good.substr(0, good.size() - 1)});
    cases.push_back({"half a zip", "", good.substr(0, good.size() / 2)});
    cases.push_back({"a good zip of another net", "is missing", good});
    check_all(cases);
}
