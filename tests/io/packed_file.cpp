// SPDX-License-Identifier: MIT
// A packed file is found by the label that it was written with, whole; whatever else stands in its
// place is not, and no file makes find() throw. The models' tests damage real ones.
#include <mpar/io/packed_file.hpp>

#include "io/files.hpp"

#include <sys/stat.h>

using namespace mpar;

namespace {

const io::packed_label label{{11, 12}, {21, 22, 23, 24}};

std::string bytes_of(std::size_t count) {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += char(io::splitmix64(i));
    return bytes;
}

void write(const std::string& path, const std::string& bytes) {
    io::packed_file::write(path, label, 7, std::as_bytes(std::span(bytes)));
}

/// The bytes that are found, or "none".
std::string found(const std::string& path, const io::packed_label& wanted = label,
                  io::packed_file::turn turn = {}) {
    const auto file = io::packed_file::find(path, wanted, turn);
    if (!file) return "none";
    CHECK(file->content() == 7);
    CHECK(reinterpret_cast<std::uintptr_t>(file->bytes().data()) % 4096 == 0);
    const auto bytes = file->bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("bytes come back under their label, whatever their number") {
    const io_test::folder folder;
    for (const std::size_t count : {0, 1, 64, 4096, 100'000, 262'144, 262'145, 5'000'000}) {
        const auto path = folder.path("a/b/" + std::to_string(count));
        const auto bytes = bytes_of(count);
        write(path, bytes);
        CHECK((found(path) == bytes));
        CHECK((found(path, label, {1, 3}) == bytes));
        io::packed_label other = label;
        for (auto* number :
             {&other.recipe[0], &other.recipe[1], &other.source.inode, &other.source.size}) {
            ++*number;
            CHECK(found(path, other) == "none");
            --*number;
        }
        for (auto* time : {&other.source.modified, &other.source.changed}) {
            ++*time;
            CHECK(found(path, other) == "none");
            --*time;
        }
        CHECK((found(path, other) == bytes));
    }
}

TEST_CASE("each byte is looked at by one of those who share the work") {
    const io_test::folder folder;
    const auto path = folder.path("packed");
    const auto bytes = bytes_of(70'000);
    write(path, bytes);
    const std::string good = io_test::read(path);
    for (std::size_t at = 4096; at < good.size(); at += 997) {
        std::string bad = good;
        bad[at] = char(bad[at] ^ 1);
        folder.write("packed", bad);
        ::chmod(path.c_str(), 0600);
        CHECK(found(path) == "none");
        int refused = 0;
        for (int mine = 0; mine < 3; ++mine) refused += found(path, label, {mine, 3}) == "none";
        CHECK(refused == 1);
    }
}

TEST_CASE("damaged headers and lengths are refused without harm") {
    const io_test::folder folder;
    const auto path = folder.path("packed");
    write(path, bytes_of(20'000));
    const std::string good = io_test::read(path);
    for (std::size_t at = 0; at < 600; ++at) {
        std::string bad = good;
        bad[at] = char(bad[at] ^ 0x10);
        folder.write("packed", bad);
        ::chmod(path.c_str(), 0600);
        CHECK(found(path) == "none");
    }
    for (const std::size_t length : {0, 1, 599, 600, 4095, 4096, 4097, 24'095, 24'097}) {
        std::string bad = good;
        bad.resize(length);
        folder.write("packed", bad);
        ::chmod(path.c_str(), 0600);
        CHECK(found(path) == "none");
    }
    CHECK(found(folder.path("missing")) == "none");
    CHECK(found(folder.path("")) == "none");
    CHECK(found("/dev/null") == "none");
    CHECK(found("/dev/zero") == "none");
}

TEST_CASE("what cannot be written is an error in words, and leaves nothing") {
    const io_test::folder folder;
    folder.write("file", "x");
    io_test::expect_refusal(fault::model, "cannot be written",
                            [&] { write(folder.path("file/packed"), "x"); });
    io_test::expect_refusal(fault::model, "cannot be made",
                            [&] { write(folder.path("file/folder/packed"), "x"); });
    io_test::expect_refusal(fault::model, "cannot be replaced", [&] {
        std::filesystem::create_directories(folder.path("taken/inside"));
        write(folder.path("taken"), "x");
    });
    CHECK(folder.files() == 2);
}

TEST_CASE("a file's identity changes with its content and its name's file") {
    const io_test::folder folder;
    const auto path = folder.write("a", "abc");
    const auto first = io::identity_of(path);
    REQUIRE(first);
    CHECK(first->size == 3);
    CHECK(io::identity_of(path) == first);
    CHECK_FALSE(io::identity_of(folder.path("none")));
    CHECK_FALSE(io::identity_of("/"));
    std::filesystem::create_symlink(path, folder.path("link"));
    CHECK(io::identity_of(folder.path("link")) == first);
    CHECK(io::canonical(folder.path("link")) == io::canonical(path));
    CHECK(io::canonical(folder.path("../nothing")) == folder.path("../nothing"));
    bool is_fresh = false;  // a busy machine may take longer to look than a file takes to settle
    for (int i = 0; i < 200 && !is_fresh; ++i) {
        is_fresh = !io::has_settled(*io::identity_of(folder.write("fresh", "abc")));
    }
    CHECK(is_fresh);
    ::usleep(60'000);
    CHECK(io::has_settled(*first));
    std::ofstream(path) << "xyz";
    CHECK_FALSE(io::identity_of(path) == first);
}
