// SPDX-License-Identifier: MIT
// Tests of io/weights.hpp: formats are told apart by content, not by the file's name.
#include <mpar/io/weights.hpp>

#include "io/torch_bytes.hpp"

using namespace mpar;
using namespace io_test;

TEST_CASE("the content decides the format of weights") {
    const folder folder;
    const std::vector<stored_run> runs{{"0", "abcdefgh", 2}};
    const auto value = dict({{"a", tensor(storage("FloatStorage", "0", 2), 0, {2}, {1})}});
    const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
    for (const auto& bytes : {torch_zip(value, runs), torch_stream(value, runs),
                              le<std::uint64_t>(header.size()) + header + "abcdefgh"}) {
        const auto file = io::read_weights(folder.write("weights", bytes));
        REQUIRE(file.find("a"));
        CHECK(file.find("a")->bytes[7] == std::byte{'h'});
    }
}

TEST_CASE("a key is for checkpoints") {
    const folder folder;
    const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
    const auto plain = le<std::uint64_t>(header.size()) + header + "abcdefgh";
    const std::string path = folder.write("w", plain);
    expect_refusal(fault::model,
                   "has no state dict under the key 'ema': it is no file of torch.save", [&] {
                       io::read_weights({path, "ema"});
                   });
    const auto value = dict({{"a", tensor(storage("FloatStorage", "0", 2), 0, {2}, {1})}});
    const auto checkpoint = torch_zip(dict({{"ema", value}}), {{"0", "abcdefgh", 2}});
    const auto file = io::read_weights({folder.write("w", checkpoint), "ema"});
    CHECK(file.find("a"));
}

TEST_CASE("anything else is refused") {
    const folder folder;
    for (const auto& [words, bytes] : std::vector<std::pair<const char*, std::string>>{
             {"w: is empty", ""},
             {"w: is neither a safetensors file nor a PyTorch state dict", "short"},
             {"is neither", "<!DOCTYPE html><html></html>"},
             {"is neither", std::string(100, '\0')},
             {"is neither", pickled(none)},
             {"is neither", "\x89HDF\r\n\x1a\n and so on"},
         }) {
        expect_refusal(fault::model, words,
                       [&, &bytes = bytes] { io::read_weights(folder.write("w", bytes)); });
    }
    expect_refusal(fault::model, "none: cannot be opened",
                   [&] { io::read_weights(folder.path("none")); });
    expect_refusal(fault::model, "is a directory", [&] { io::read_weights(folder.path("")); });
    expect_refusal(fault::model, "the header is not valid JSON",
                   [&] { io::read_weights(folder.write("w", le<std::uint64_t>(1) + "{")); });
}
