// SPDX-License-Identifier: MIT
// Tests of io/safetensors.hpp: files that are good, and that what is written is what is read.
#include <mpar/io/safetensors.hpp>

#include "io/files.hpp"

#include <cstring>

using namespace mpar;
using io_test::expect_refusal;
using io_test::le;

namespace {

std::string file_of(const std::string& header, const std::string& data) {
    return le<std::uint64_t>(header.size()) + header + data;
}

std::span<const std::byte> as_bytes(const std::string& text) {
    return std::as_bytes(std::span(text));
}

std::size_t count(const io::tensor_file& file) { return file.tensors().size(); }

std::string text(const io::stored_tensor& tensor) {
    return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
}

}  // namespace

TEST_CASE("a small file is read") {
    const io_test::folder folder;
    const auto file = io::read_safetensors(
        folder.write("w.safetensors",
                     file_of(R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[8,10]},)"
                             R"("__metadata__":{"format":"pt","\u00e9":""},)"
                             R"("a":{"data_offsets":[0,8],"shape":[1,2],"dtype":"F32"},)"
                             R"("none":{"dtype":"I64","shape":[0,3],"data_offsets":[8,8]},)"
                             R"("\u0063":{"dtype":"BOOL","shape":[],"data_offsets":[10,11]}}  )",
                             "AAAABBBBxy\1")));
    REQUIRE(file.tensors().size() == 4);
    CHECK(file.tensors()[0].name == "a");
    CHECK(file.tensors()[0].type == dtype::f32);
    CHECK(file.tensors()[0].shape == std::vector<std::int64_t>{1, 2});
    CHECK(text(file.tensors()[0]) == "AAAABBBB");
    CHECK(file.tensors()[1].name == "none");
    CHECK(file.tensors()[1].bytes.empty());
    CHECK(text(*file.find("b")) == "xy");
    CHECK(file.find("c")->shape.empty());
    CHECK(!file.find("__metadata__"));
}

TEST_CASE("an empty set of tensors is a file") {
    const io_test::folder folder;
    CHECK(count(io::read_safetensors(folder.write("a", file_of("{}", "")))) == 0);
    const std::string metadata = R"({"__metadata__":{}})";
    CHECK(count(io::read_safetensors(folder.write("b", file_of(metadata, "")))) == 0);
}

TEST_CASE("the oracles are read") {
    const auto file = io::read_safetensors(MPAR_TEST_DATA "/expected/resnet18.safetensors");
    CHECK(file.tensors().size() == 128);
    REQUIRE(file.find("logits"));
    CHECK(file.find("logits")->shape == std::vector<std::int64_t>{2, 1000});
    CHECK(io::values_of<float>(*file.find("loss")).size() == 1);
    for (const char* name :
         {"cspdarknet53", "densenet121", "resnet50", "preprocessed", "efficientnet_lite0_logits"}) {
        const auto other =
            io::read_safetensors(std::string(MPAR_TEST_DATA "/expected/") + name + ".safetensors");
        CHECK(other.tensors().size() >= 4);
    }
}

TEST_CASE("what is written is what is read") {
    const io_test::folder folder;
    const std::string small = "abc", large(48, 'L'), half = "hhhh";
    const std::vector<io::stored_tensor> tensors{
        {"small", dtype::u8, {3}, as_bytes(small)},
        {"quote\"back\\slash", dtype::f64, {1, 2, 3}, as_bytes(large)},
        {"none", dtype::f32, {0}, {}},
        {"\xc3\xa9/half", dtype::bf16, {2}, as_bytes(half)},
    };
    const auto path = folder.path("out.safetensors");
    io::write_safetensors(path, tensors);
    CHECK(folder.files() == 1);

    const auto bytes = io_test::read(path);
    std::uint64_t header = 0;
    std::memcpy(&header, bytes.data(), 8);
    CHECK(header % 8 == 0);

    const auto file = io::read_safetensors(path);
    REQUIRE(file.tensors().size() == tensors.size());
    for (const auto& tensor : tensors) {
        const auto* found = file.find(tensor.name);
        REQUIRE(found);
        CHECK(found->type == tensor.type);
        CHECK(found->shape == tensor.shape);
        CHECK(text(*found) == text(tensor));
        const auto address = reinterpret_cast<std::uintptr_t>(found->bytes.data());
        CHECK(address % static_cast<std::size_t>(size_of(found->type)) == 0);
    }
    CHECK(file.tensors()[0].name == tensors[1].name);  // the largest elements first

    io::write_safetensors(folder.path("again"), file.tensors());
    CHECK(io_test::read(folder.path("again")) == bytes);
    io::write_safetensors(folder.path("empty"), {});
    CHECK(count(io::read_safetensors(folder.path("empty"))) == 0);
}

TEST_CASE("nothing is written that could not be read") {
    const io_test::folder folder;
    const std::string data(8, 'd');
    const auto path = folder.write("old", "old");
    const auto expect = [&](const std::string& words, std::vector<io::stored_tensor> tensors) {
        expect_refusal(fault::internal, words, [&] { io::write_safetensors(path, tensors); });
    };
    const io::stored_tensor good{"a", dtype::f32, {2}, as_bytes(data)};
    auto bad = good;
    expect("'a' occurs twice", {good, good});
    bad.shape = {3};
    expect("tensor 'a' has 8 bytes", {bad});
    bad.shape = {-2};
    expect("tensor 'a' has 8 bytes", {bad});
    bad.shape = std::vector<std::int64_t>(9, 1);
    expect("more than 8 dimensions", {bad});
    bad = good;
    bad.name = "../a";
    expect("steps to a parent folder", {bad});
    bad.name = "\xff";
    expect("not UTF-8", {bad});
    bad.name = "__metadata__";
    expect("the metadata's name", {bad});
    CHECK(io_test::read(path) == "old");
    CHECK(folder.files() == 1);
    expect_refusal(fault::input, "cannot be written", [&] {
        io::write_safetensors(folder.path("none/a"), std::vector{good}, fault::input);
    });
}

TEST_CASE("a tensor in parts is the same file as one that is written at once") {
    const io_test::folder folder;
    const std::vector<float> values{1, 2, 3, 4, 5, 6};
    const auto bytes = std::as_bytes(std::span(values));
    const io::stored_tensor whole{"logits", dtype::f32, {3, 2}, bytes};
    io::write_safetensors(folder.path("whole"), std::span(&whole, 1));

    io::safetensors_in_parts file(folder.path("parts"), "logits", dtype::f32, {3, 2}, fault::input);
    file.write(bytes.first(8));
    file.write({});
    expect_refusal(fault::internal, "lacks 16 bytes", [&] { file.commit(); });
    expect_refusal(fault::internal, "more values", [&] { file.write(bytes); });
    CHECK_THROWS_AS(io::mapped_file(folder.path("parts"), fault::input), error);
    file.write(bytes.subspan(8));
    file.commit();
    const io::mapped_file a(folder.path("whole"), fault::input);
    const io::mapped_file b(folder.path("parts"), fault::input);
    CHECK(std::ranges::equal(a.bytes(), b.bytes()));
    expect_refusal(fault::input, "cannot be written", [&] {
        io::safetensors_in_parts(folder.path("none/x"), "x", dtype::f32, {1}, fault::input);
    });
}
