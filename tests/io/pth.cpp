// SPDX-License-Identifier: MIT
// Tests of io/pth.hpp and io/weights/torch_state.hpp: state dicts in both formats of torch.save, and files
// that must be refused.
#include <mpar/io/pth.hpp>

#include "io/torch_bytes.hpp"

#include <cmath>
#include <utility>
#include <vector>

using namespace mpar;
using namespace io_test;

namespace {

std::string floats(const std::vector<float>& values) {
    return {reinterpret_cast<const char*>(values.data()), 4 * values.size()};
}

/// Six floats 0..5 as storage "0".
const std::vector<stored_run> runs{{"0", floats({0, 1, 2, 3, 4, 5}), 6}};
const std::string six = storage("FloatStorage", "0", 6);

io::tensor_file read_bytes(const folder& where, const std::string& bytes) {
    return io::read_pth(where.write("w.pth", bytes));
}

std::vector<float> values(const io::tensor_file& file, const char* name) {
    REQUIRE(file.find(name));
    return io::values_of<float>(*file.find(name));
}

/// The state dict whose one tensor 'a' is built like that.
std::string one(const std::string& tensor) { return dict({{"a", tensor}}); }

struct bad_file {
    const char* words;
    std::string bytes;
};

void expect_all(const std::vector<bad_file>& all) {
    const folder folder;
    for (const auto& bad : all) {
        expect_refusal(fault::model, bad.words, [&] { read_bytes(folder, bad.bytes); });
    }
}

}  // namespace

TEST_CASE("a state dict is read from both formats") {
    const folder folder;
    const std::string value = dict({
        {"whole", tensor(six, 0, {2, 3}, {3, 1})},
        {"window", tensor(six, 2, {3}, {1})},
        {"count", tensor(storage("LongStorage", "1", 1), 0, {}, {})},
        {"parameter", global("torch._utils", "_rebuild_parameter") +
                          tuple(strings{tensor(six, 0, {6}, {1}), yes, ordered_dict}) + "R"},
        {"old", global("torch._utils", "_rebuild_tensor") +
                    tuple(strings{six, integer(1), tuple(integers{2}), tuple(integers{1})}) + "R"},
        {"none", tensor(six, 6, {0, 3}, {3, 1})},
    });
    auto both = runs;
    both.push_back({"1", le<std::int64_t>(42), 1});
    const auto metadata = value + "}" + text("_metadata") + ordered_dict + "sb";
    for (const auto& bytes : {torch_zip(value, both), torch_stream(value, both),
                              torch_zip(metadata, both), torch_stream(metadata, both)}) {
        const auto file = read_bytes(folder, bytes);
        REQUIRE(file.tensors().size() == 6);
        CHECK(file.tensors()[0].name == "whole");
        CHECK(file.tensors()[0].shape == integers{2, 3});
        CHECK(values(file, "whole") == std::vector<float>{0, 1, 2, 3, 4, 5});
        CHECK(values(file, "window") == std::vector<float>{2, 3, 4});
        CHECK(values(file, "parameter").size() == 6);
        CHECK(values(file, "old") == std::vector<float>{1, 2});
        CHECK(values(file, "none").empty());
        CHECK(file.find("count")->type == dtype::i64);
        CHECK(file.find("count")->bytes[0] == std::byte{42});
    }
}

TEST_CASE("every element type has its name") {
    const folder folder;
    for (const auto& [name, type] :
         std::vector<std::pair<std::string, dtype>>{{"FloatStorage", dtype::f32},
                                                    {"DoubleStorage", dtype::f64},
                                                    {"HalfStorage", dtype::f16},
                                                    {"BFloat16Storage", dtype::bf16},
                                                    {"LongStorage", dtype::i64},
                                                    {"IntStorage", dtype::i32},
                                                    {"ShortStorage", dtype::i16},
                                                    {"CharStorage", dtype::i8},
                                                    {"ByteStorage", dtype::u8},
                                                    {"BoolStorage", dtype::boolean}}) {
        const std::string data(2 * static_cast<std::size_t>(size_of(type)), '\1');
        const auto value = one(tensor(storage(name, "0", 2), 0, {2}, {1}));
        for (const auto& bytes :
             {torch_zip(value, {{"0", data}}), torch_stream(value, {{"0", data, 2}})}) {
            const auto file = read_bytes(folder, bytes);
            CHECK(file.find("a")->type == type);
        }
    }
}

TEST_CASE("tensors in another order are put into row-major order") {
    const folder folder;
    const auto value = dict({
        {"transposed", tensor(six, 0, {3, 2}, {1, 3})},
        {"columns", tensor(six, 1, {2, 2}, {3, 1})},
        {"every second", tensor(six, 1, {3}, {2})},
        {"of one", tensor(six, 4, {1, 2, 1}, {INT64_MAX, 1, 77})},
    });
    for (const auto& bytes : {torch_zip(value, runs), torch_stream(value, runs)}) {
        const auto file = read_bytes(folder, bytes);
        CHECK(values(file, "transposed") == std::vector<float>{0, 3, 1, 4, 2, 5});
        CHECK(values(file, "columns") == std::vector<float>{1, 2, 4, 5});
        CHECK(values(file, "every second") == std::vector<float>{1, 3, 5});
        CHECK(values(file, "of one") == std::vector<float>{4, 5});
    }
}

TEST_CASE("code in a file is named, not run") {
    const auto attack = global("os", "system") + text("true") + "\x85R";
    const auto complex = one(tensor(storage("ComplexFloatStorage", "0", 3), 0, {3}, {1}));
    expect_all({
        {"holds no state dict but an object of class 'os.system'", torch_zip(attack, {})},
        {"holds no state dict but an object of class 'os.system'", torch_stream(attack, {})},
        {"does not say which system wrote it", stream_head + pickled(attack)},
        {"class 'torch.nn.modules.conv.Conv2d'; save it once in Python: torch.save(torch.load(",
         torch_zip(global("torch.nn.modules.conv", "Conv2d") + ")\x81}b", {})},
        {"class 'torch.storage._load_from_bytes'",
         torch_stream(global("torch.storage", "_load_from_bytes") + text("") + "\x85R", {})},
        {"class 'o\\x1b[31m.x'", torch_zip(global("o\x1b[31m", "x"), {})},
        {"tensor 'a' has elements of type 'torch.ComplexFloatStorage', which is not read",
         torch_zip(complex, runs)},
        {"storage '0' has elements of type 'torch.ComplexFloatStorage', which is not read",
         torch_stream(complex, runs)},
        {"entry 'a' of the state dict is no tensor, but of type 'numpy.core.multiarray.scalar'",
         torch_zip(dict({{"a", global("numpy.core.multiarray", "scalar") + ")R"}}), runs)},
        {"is no tensor, but of type 'torch._utils._rebuild_sparse_tensor'",
         torch_zip(one(global("torch._utils", "_rebuild_sparse_tensor") + ")R"), runs)},
        {"holds no state dict but an object of class 'os.system'",
         torch_zip(text("os") + text("system") + "\x93", {})},
    });
}

TEST_CASE("what is no state dict is refused") {
    const auto call = [](const std::string& name, const strings& arguments) {
        return one(global("torch._utils", name) + tuple(arguments) + "R");
    };
    expect_all({
        {"is no state dict: its value is no dict", torch_zip(list({none}), {})},
        {"is no state dict: its value is no dict", torch_stream(tensor(six, 0, {6}, {1}), runs)},
        {"entry 'a' of the state dict is no tensor", torch_zip(one("K\3"), {})},
        {"entry 'a' of the state dict is no tensor",
         torch_zip(one(global("torch", "FloatStorage")), {})},
        {"entry 'a' of the state dict is no tensor",
         torch_zip(one(global("torch", "FloatStorage") + ")R"), {})},
        {"entry 'a' of the state dict is no tensor", torch_zip(one(six), runs)},
        {"a key that is no text", torch_zip("}K\1" + tensor(six, 0, {6}, {1}) + "s", runs)},
        {"tensor 'a' occurs twice",
         torch_zip(dict({{"a", tensor(six, 0, {6}, {1})}, {"a", tensor(six, 0, {6}, {1})}}), runs)},
        {"has a control character", torch_zip(dict({{"a\n", tensor(six, 0, {6}, {1})}}), runs)},
        {"is not UTF-8", torch_stream(dict({{"\xff", tensor(six, 0, {6}, {1})}}), runs)},
        {"steps to a parent folder",
         torch_stream(dict({{"x/../y", tensor(six, 0, {6}, {1})}}), runs)},
        {"is rebuilt from too few values",
         torch_zip(call("_rebuild_tensor_v2", {six, "K\1", tuple(integers{6})}), runs)},
        {"tensor 'a' has no storage",
         torch_zip(
             call("_rebuild_tensor_v2", {none, "K\1", tuple(integers{6}), tuple(integers{1})}),
             runs)},
        {"tensor 'a' has an offset that is no number",
         torch_zip(call("_rebuild_tensor_v2", {six, none, tuple(integers{6}), tuple(integers{1})}),
                   runs)},
        {"tensor 'a' has a shape that is no tuple",
         torch_zip(call("_rebuild_tensor_v2", {six, "K\1", "K\6", tuple(integers{1})}), runs)},
        {"tensor 'a' has a shape that is no number",
         torch_zip(call("_rebuild_tensor_v2",
                        {six, "K\1", tuple(strings{text("6")}), tuple(integers{1})}),
                   runs)},
        {"entry 'a' of the state dict is no tensor",
         torch_zip(call("_rebuild_parameter", {}), runs)},
        {"entry 'a' of the state dict is no tensor",
         torch_zip(call("_rebuild_parameter", {"K\1"}), runs)},
        {"refers to something that is no storage", torch_zip(one("K\1Q"), runs)},
        {"refers to something that is no storage",
         torch_zip(one(tuple(strings{text("module")}) + "Q"), runs)},
        {"tensor 'a' has no storage",
         torch_zip(call("_rebuild_tensor_v2", {tuple(strings{text("module"), none}) + "Q", "K\1",
                                               tuple(integers{6}), tuple(integers{1})}),
                   runs)},
        {"storage '0' has no storage type",
         torch_zip(one(tuple(strings{text("storage"), text("FloatStorage"), text("0"), text("cpu"),
                                     "K\6"}) +
                       "Q"),
                   runs)},
        {"storage '0' has no storage type",
         torch_zip(one(tuple(strings{text("storage"), global("torch._utils", "_rebuild_tensor"),
                                     text("0"), text("cpu"), "K\6"}) +
                       "Q"),
                   runs)},
        {"storage '0' is a view of another",
         torch_stream(one(tuple(strings{text("storage"), global("torch", "FloatStorage"), text("0"),
                                        text("cpu"), "K\6", tuple(integers{1, 2})}) +
                          "Q"),
                      runs)},
        {"storage '0' has a count that is no number of 0 or more",
         torch_zip(one(tensor(storage("FloatStorage", "0", -6), 0, {6}, {1})), runs)},
        {"storage '0' is described in two ways",
         torch_zip(dict({{"a", tensor(six, 0, {6}, {1})},
                         {"b", tensor(storage("IntStorage", "0", 6), 0, {6}, {1})}}),
                   runs)},
    });
}

TEST_CASE("windows lie within their storage") {
    constexpr auto huge = INT64_MAX;
    std::vector<bad_file> all;
    for (const auto& [words, value] : std::vector<std::pair<const char*, std::string>>{
             {"tensor 'a' has 7 elements, its storage 6", tensor(six, 0, {7}, {1})},
             {"tensor 'a' at offset 1 reaches beyond the 6 elements of storage '0'",
              tensor(six, 1, {6}, {1})},
             {"at offset 7 reaches beyond the 6 elements", tensor(six, 7, {0}, {1})},
             {"at offset 6 reaches beyond the 6 elements", tensor(six, 6, {}, {})},
             {"at offset 0 reaches beyond", tensor(six, 0, {2, 3}, {4, 1})},
             {"at offset 0 reaches beyond", tensor(six, 0, {3}, {3})},
             {"reaches beyond", tensor(six, 0, {2}, {huge})},
             {"reaches beyond", tensor(six, 0, {3}, {huge})},
             {"reaches beyond", tensor(six, huge, {1}, {1})},
             {"reaches beyond", tensor(six, 5, {2, 2}, {huge, huge})},
             {"has strides that is no number of 0 or more", tensor(six, 5, {6}, {-1})},
             {"has a shape that is no number of 0 or more", tensor(six, 0, {-6}, {1})},
             {"has an offset that is no number of 0 or more", tensor(six, -1, {6}, {1})},
             {"has 1 extents and 2 strides", tensor(six, 0, {6}, {6, 1})},
             {"has a shape of more than 8 dimensions",
              tensor(six, 0, integers(9, 1), integers(9, 1))},
             {"size does not fit in 64 bits", tensor(six, 0, {huge, huge}, {1, 1})},
             {"size does not fit in 64 bits", tensor(six, 0, {huge, huge, 0}, {0, 0, 0})},
             {"tensor 'a' has 1000000000 elements, its storage 6",
              tensor(six, 0, {1'000'000'000}, {0})},
         }) {
        all.push_back({words, torch_zip(one(value), runs)});
        all.push_back({words, torch_stream(one(value), runs)});
    }
    std::vector<std::pair<std::string, std::string>> many;
    std::vector<stored_run> large{{"0", std::string(40'000, 'x'), 10'000}};
    for (int i = 0; i < 100; ++i) {
        many.emplace_back("t" + std::to_string(i),
                          tensor(storage("FloatStorage", "0", 10'000), 0, {100, 100}, {1, 100}));
    }
    all.push_back({"and those before it take more memory, put in order, than the file",
                   torch_zip(dict(many), large)});
    expect_all(all);
}

TEST_CASE("the zip format: what it lacks and what contradicts") {
    const auto value = one(tensor(six, 0, {6}, {1}));
    const auto data = runs.front().bytes;
    expect_all({
        {"storage '0' is not in the archive", torch_zip(value, {})},
        {"storage '0' is not in the archive", torch_zip(value, {{"1", data}})},
        {"storage '0' has 23 bytes, expected 6 elements of F32",
         torch_zip(value, {{"0", data.substr(1)}})},
        {"storage '0' has 25 bytes", torch_zip(value, {{"0", data + "x"}})},
        {"expected 4611686018427387904 elements of F64",
         torch_zip(one(tensor(storage("DoubleStorage", "0", std::int64_t(1) << 62), 0, {1}, {1})),
                   runs)},
        {"is a zip archive but not PyTorch's: it has no data.pkl", zip({{"a/b", "c"}})},
        {"more than one data.pkl",
         zip({{"a/data.pkl", pickled(value)}, {"b/data.pkl", pickled(value)}})},
        {"data.pkl goes on after its pickle",
         zip({{"a/data.pkl", pickled(value) + "x"}, {"a/data/0", data}})},
        {"is not in little-endian byte order",
         zip({{"a/data.pkl", pickled(value)}, {"a/byteorder", "big"}, {"a/data/0", data}})},
        {"entry 'a/data.pkl' is compressed", zip({{"a/data.pkl", pickled(value), 8}})},
        {"entry 'archive/data/0' occurs twice", torch_zip(value, {{"0", data}, {"0", data}})},
        {"the zip archive's end record", torch_zip(value, runs).substr(0, 300)},
    });
    const folder folder;
    CHECK(values(read_bytes(folder, zip({{"a/data.pkl", pickled(value)},
                                         {"a/byteorder", "little"},
                                         {"a/data/0", data}},
                                        true)),
                 "a")
              .size() == 6);
}

TEST_CASE("the stream format: what it lacks and what contradicts") {
    const auto value = one(tensor(six, 0, {6}, {1}));
    const auto good = torch_stream(value, runs);
    const auto system = system_pickle();
    expect_all({
        {"another protocol version than PyTorch's 1001",
         good.substr(0, 15) + pickled("M\xea\x03") + system},
        {"is not in little-endian byte order", stream_head + system_pickle(no) + pickled(value)},
        {"does not say which system wrote it", stream_head + pickled(none)},
        {"does not begin with a protocol", stream_head},
        {"does not begin with a protocol", stream_head + system + pickled(value)},
        {"has no list of storages", stream_head + system + pickled(value) + pickled(none)},
        {"lists a storage that no tensor has", torch_stream(value, {{"9", "", 0}})},
        {"lists a storage that no tensor has",
         stream_head + system + pickled(value) + pickled(list({"K\1"}))},
        {"storage '0' is not in the file", torch_stream(value, {})},
        {"storage '0' occurs twice", torch_stream(value, {runs[0], runs[0]})},
        {"storage '0' has 5 elements, expected 6", torch_stream(value, {{"0", runs[0].bytes, 5}})},
        {"storage '0' has 18446744073709551615 elements",
         torch_stream(value, {{"0", runs[0].bytes, -1}})},
        {"storage '0' of 24 bytes at byte", good.substr(0, good.size() - 1)},
        {"inside what begins at byte", good.substr(0, good.size() - 25)},
        {"goes on after the last storage", good + "x"},
        {"elements, expected",
         torch_stream(
             one(tensor(storage("DoubleStorage", "0", std::int64_t(1) << 62), 0, {1}, {1})),
             {{"0", runs[0].bytes, std::int64_t(1) << 62}})},
    });
}

TEST_CASE("what is no file of torch.save is refused") {
    expect_all({
        {"begins with neither a zip archive nor its magic number", ""},
        {"begins with neither", "PK"},
        {"begins with neither", "<html>404</html>"},
        {"begins with neither", pickled(none)},
    });
    expect_refusal(fault::model, "cannot be opened", [] { io::read_pth("/none/w.pth"); });
}

TEST_CASE("damaged checkpoints are read or refused") {
    const folder folder;
    const auto value = dict({{"a", tensor(six, 0, {3, 2}, {1, 3})},
                             {"b", tensor(storage("HalfStorage", "1", 2), 0, {2}, {1})}});
    auto both = runs;
    both.push_back({"1", "abcd", 2});
    for (const auto& good : {torch_zip(value, both), torch_stream(value, both)}) {
        REQUIRE_NOTHROW(read_bytes(folder, good));
        const int refused = survive(good, 3000, 3, [&](const std::string& damaged) {
            const auto file = read_bytes(folder, damaged);
            for (const auto& tensor : file.tensors()) {
                if (tensor.bytes.size() > damaged.size()) FAIL_CHECK("more bytes than the file");
            }
        });
        CHECK(refused > 1000);
    }
}

TEST_CASE("a real file of the older format is read") {
    const auto path = real_file("efficientnet-lite0.pth");
    if (!path) return;
    const auto file = io::read_pth(*path);
    CHECK(file.tensors().size() == 296);
    double sum = 0;
    for (const auto& tensor : file.tensors()) {
        if (tensor.type != dtype::f32) continue;
        for (const double value : io::values_of<double>(tensor)) sum += value;
    }
    CHECK(std::isfinite(sum));
    const auto* stem = file.find("_conv_stem.weight");
    REQUIRE(stem);
    CHECK(stem->shape == integers{32, 3, 3, 3});
}
