// SPDX-License-Identifier: MIT
// Tests of io/file.hpp and io/parse/refusal.hpp: what a file is, and that a write is all or nothing.
#include <mpar/io/file.hpp>

#include "io/files.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <type_traits>
#include <utility>

using namespace mpar;
using io_test::expect_refusal;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

}  // namespace

TEST_CASE("a name out of a file is printable in a message") {
    CHECK(io::printable("layer1.0.conv") == "layer1.0.conv");
    CHECK(io::printable("a\nb\x1b[31m") == "a\\x0ab\\x1b[31m");
    CHECK(io::printable("\xc3\xa9") == "\\xc3\\xa9");
    CHECK(io::printable(std::string(100, 'x')) == std::string(45, 'x') + "...");
    CHECK(io::printable(std::string(100, '\n')).size() <= 48);
    CHECK(io::printable_path("/a/b.pth") == "/a/b.pth");
    const auto path = io::printable_path("/" + std::string(300, 'd') + "/weights.pth");
    CHECK(path.size() <= 64);
    CHECK(path.starts_with("..."));
    CHECK(path.ends_with("/weights.pth"));
}

TEST_CASE("a sentence has at most 300 bytes") {
    const io::refusal refuse(fault::model, std::string(500, '\t'));
    expect_refusal(fault::model, "mpar: ", [&] { refuse(std::string(500, 'x')); });
}

TEST_CASE("a file is mapped with the length that it had") {
    const io_test::folder folder;
    io::mapped_file file(folder.write("a", "hello"), fault::model);
    REQUIRE(file.bytes().size() == 5);
    CHECK(file.bytes()[1] == std::byte{'e'});
    CHECK(file.path() == folder.path("a"));
    static_assert(!std::is_copy_constructible_v<io::mapped_file>);

    io::mapped_file moved = std::move(file);
    CHECK(file.bytes().empty());
    CHECK(moved.bytes()[4] == std::byte{'o'});
    moved = io::mapped_file(folder.write("b", "xyz"), fault::model);
    CHECK(moved.bytes()[0] == std::byte{'x'});
    CHECK(io::mapped_file(folder.write("empty", ""), fault::model).bytes().empty());
}

TEST_CASE("a mapping outlives the replacement of its file") {
    const io_test::folder folder;
    const io::mapped_file file(folder.write("a", "old"), fault::model);
    io::atomic_file next(folder.path("a"), fault::model);
    next.write(bytes_of("new content"));
    next.commit();
    CHECK(file.bytes()[0] == std::byte{'o'});
    CHECK(io_test::read(folder.path("a")) == "new content");
}

TEST_CASE("what is no regular file is refused, with the fault of its use") {
    const io_test::folder folder;
    REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
    const auto open = [](const std::string& path, fault kind) {
        return [=] { io::mapped_file(path, kind); };
    };
    expect_refusal(fault::model, "none: cannot be opened: No such file",
                   open(folder.path("none"), fault::model));
    expect_refusal(fault::input, "none: cannot be opened", open(folder.path("none"), fault::input));
    expect_refusal(fault::input, "is a directory", open(folder.path(""), fault::input));
    expect_refusal(fault::model, "pipe: is not a regular file",
                   open(folder.path("pipe"), fault::model));
    expect_refusal(fault::model, "/dev/zero: is not a regular file",
                   open("/dev/zero", fault::model));
    expect_refusal(fault::model, "zero byte", open(std::string("a\0b", 3), fault::model));
    expect_refusal(fault::model, "cannot be opened", open("", fault::model));
    expect_refusal(fault::model, "cannot be opened", open(std::string(5000, 'x'), fault::model));
}

TEST_CASE("a file is read whole up to a limit") {
    const io_test::folder folder;
    const auto path = folder.write("a", std::string(100, 'z'));
    CHECK(io::read_file(path, 100, fault::input) == std::vector<std::byte>(100, std::byte{'z'}));
    expect_refusal(fault::input, "has 100 bytes, more than 99",
                   [&] { io::read_file(path, 99, fault::input); });
    expect_refusal(fault::input, "cannot be opened",
                   [&] { io::read_file(folder.path("b"), 9, fault::input); });
}

TEST_CASE("a file appears complete or not at all") {
    const io_test::folder folder;
    const auto path = folder.write("a", "old");
    {
        io::atomic_file file(path, fault::model);
        file.write(bytes_of("new "));
        CHECK(io_test::read(path) == "old");
        CHECK(folder.files() == 2);
    }
    CHECK(io_test::read(path) == "old");
    CHECK(folder.files() == 1);
    {
        io::atomic_file file(path, fault::model);
        file.write(bytes_of("new "));
        file.write({});
        file.write(bytes_of("content"));
        file.commit();
    }
    CHECK(io_test::read(path) == "new content");
    CHECK(folder.files() == 1);
}

TEST_CASE("what is no file is not replaced by one") {
    const io_test::folder folder;
    const auto pipe = folder.path("pipe"), link = folder.path("link");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    std::filesystem::create_symlink(pipe, link);
    for (const auto& path : {pipe, link}) {
        expect_refusal(fault::input, "is not a regular file",
                       [&] { io::atomic_file(path, fault::input).commit(); });
    }
    CHECK(std::filesystem::is_fifo(pipe));
    CHECK(std::filesystem::is_symlink(link));
    CHECK(folder.files() == 2);
}

TEST_CASE("two writers of one file do not meet") {
    const io_test::folder folder;
    io::atomic_file one(folder.path("a"), fault::model), two(folder.path("a"), fault::model);
    one.write(bytes_of("one"));
    two.write(bytes_of("two"));
    two.commit();
    one.commit();
    CHECK(io_test::read(folder.path("a")) == "one");
    CHECK(folder.files() == 1);
}

TEST_CASE("a failed write leaves the old file and nothing else") {
    const io_test::folder folder;
    const auto path = folder.write("a", "old");
    expect_refusal(fault::model, "cannot be written",
                   [&] { io::atomic_file(folder.path("none/a"), fault::model); });
    expect_refusal(fault::model, "is no path", [] { io::atomic_file("", fault::model); });

    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit small = before;
    small.rlim_cur = 4096;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    expect_refusal(fault::input, "a: cannot be written: File too large", [&] {
        io::atomic_file file(path, fault::input);
        file.write(bytes_of(std::string(10'000, 'x')));
        file.commit();
    });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    CHECK(io_test::read(path) == "old");
    CHECK(folder.files() == 1);

    std::filesystem::create_directory(folder.path("folder"));
    expect_refusal(fault::model, "cannot be replaced", [&] {
        io::atomic_file file(folder.path("folder"), fault::model);
        file.commit();
    });
    CHECK(folder.files() == 2);
}
