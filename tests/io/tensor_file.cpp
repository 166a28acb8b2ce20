// SPDX-License-Identifier: MIT
// Tests of io/tensor_file.hpp: finding tensors by name, and what a set of them may be.
#include <mpar/io/tensor_file.hpp>

#include "io/files.hpp"

#include <type_traits>

using namespace mpar;
using io_test::expect_refusal;

namespace {

/// Tensors of one byte each over a file of that text.
io::tensor_file over(const std::string& path, const std::vector<std::string>& names) {
    io::mapped_file file(path, fault::model);
    std::vector<io::stored_tensor> tensors;
    for (std::size_t i = 0; i < names.size(); ++i) {
        tensors.push_back({names[i], dtype::u8, {1}, file.bytes().subspan(i, 1)});
    }
    return io::tensor_file(std::move(file), std::move(tensors));
}

}  // namespace

TEST_CASE("tensors are found by name and listed in the file's order") {
    const io_test::folder folder;
    const auto file = over(folder.write("f", "xyz"), {"b", "c", "a"});
    REQUIRE(file.tensors().size() == 3);
    CHECK(file.tensors()[0].name == "b");
    CHECK(file.source() == folder.path("f"));
    REQUIRE(file.find("a"));
    CHECK(file.find("a")->bytes[0] == std::byte{'z'});
    CHECK(file.find("b")->bytes[0] == std::byte{'x'});
    CHECK(file.find("c") == &file.tensors()[1]);
    for (const char* absent : {"", "aa", "A", "d"}) CHECK(file.find(absent) == nullptr);
}

TEST_CASE("the bytes move with their owner") {
    const io_test::folder folder;
    auto first = over(folder.write("f", "xy"), {"a", "b"});
    const auto* bytes = first.find("b")->bytes.data();
    const io::tensor_file second = std::move(first);
    CHECK(second.find("b")->bytes.data() == bytes);
    CHECK(*bytes == std::byte{'y'});
    static_assert(!std::is_copy_constructible_v<io::tensor_file>);
}

TEST_CASE("copies live as long as the file") {
    const io_test::folder folder;
    std::vector<std::vector<std::byte>> copies{{std::byte{1}, std::byte{2}}};
    std::vector<io::stored_tensor> tensors{{"a", dtype::u8, {2}, copies[0]}};
    const io::tensor_file file(io::mapped_file(folder.write("f", ""), fault::model),
                               std::move(tensors), std::move(copies));
    CHECK(file.find("a")->bytes[1] == std::byte{2});
}

TEST_CASE("names are checked") {
    const io_test::folder folder;
    const auto path = folder.write("f", "xyz");
    expect_refusal(fault::model, "f: tensor 'a' occurs twice", [&] {
        over(path, {"a", "b", "a"});
    });
    expect_refusal(fault::model, "tensor 'a\\x0a' has a control character",
                   [&] { over(path, {"a\n"}); });
    const auto empty = over(path, {});
    CHECK(empty.find("a") == nullptr);
}
