// SPDX-License-Identifier: MIT
// Tests of io/weights/zip.hpp: archives as PyTorch writes them, and archives that lie.
#include <mpar/io/weights/zip.hpp>

#include "io/torch_bytes.hpp"

using namespace mpar;
using namespace io_test;

namespace {

const io::refusal refuse(fault::model, "w.pth");

std::vector<io::zip_entry> parse(const std::string& bytes) {
    return io::read_zip(std::as_bytes(std::span(bytes)), refuse);
}

/// `bytes` with `to` in place of what stands `at` bytes after the `nth` of `mark` (from 0).
std::string changed(std::string bytes, const std::string& mark, std::size_t at,
                    const std::string& to, int nth = 0) {
    std::size_t found = bytes.find(mark);
    while (nth-- > 0) found = bytes.find(mark, found + 1);
    REQUIRE(found != std::string::npos);
    return bytes.replace(found + at, to.size(), to);
}

const std::vector<packed_file> two{{"r/a", "alpha"}, {"r/b", "be"}};
const std::string local = "PK\3\4", central = "PK\1\2", end_mark = "PK\5\6";

struct bad_archive {
    const char* words;
    std::string bytes;
};

}  // namespace

TEST_CASE("stored entries are found, sorted by name") {
    for (const bool zip64 : {false, true}) {
        for (const int flags : {0, 8, 0x808}) {
            const auto bytes = zip({{"r/b", "be", 0, flags}, {"r/a", "alpha", 0, flags}}, zip64);
            const auto entries = parse(bytes);
            REQUIRE(entries.size() == 2);
            CHECK(entries[0].name == "r/a");
            CHECK(entries[0].bytes.size() == 5);
            CHECK(entries[0].bytes[4] == std::byte{'a'});
            CHECK(entries[1].bytes.size() == 2);
        }
    }
    CHECK(parse(zip({})).empty());
    CHECK(parse(zip({{"empty", ""}})).front().bytes.empty());
}

TEST_CASE("archives that lie are refused") {
    const auto good = zip(two), wide = zip(two, true);
    for (const bad_archive& bad : std::vector<bad_archive>{
             {"has no end record", ""},
             {"has no end record", "PK\3\4"},
             {"it is cut off or has a comment", good.substr(0, good.size() - 1)},
             {"it is cut off or has a comment", good + "x"},
             {"it is cut off or has a comment", good.substr(0, good.size() / 2)},
             {"has a comment", changed(good, end_mark, 20, "\1")},
             {"entry 'r/a' is compressed, method 8", zip({{"r/a", "alpha", 8}})},
             {"entry 'r/a' is encrypted", zip({{"r/a", "alpha", 0, 1}})},
             {"entry 'r/a' occurs twice", zip({{"r/a", "x"}, {"r/a", "y"}})},
             {"of 6 bytes at byte 40 ends after the last data", zip({{"r/a", "alpha", 0, 0, 6}})},
             {"of 4294967294 bytes", zip({{"r/a", "alpha", 0, 8, 0xfffffffe}})},
             {"ends after the last data", zip({{"r/a", "alpha", 0, 8, INT64_MAX}}, true)},
             {"has two different sizes", changed(good, central, 20, le(4, 4))},
             {"differs between the directory and its local header",
              changed(good, local, 22, le(4, 4))},
             {"differs between", changed(good, local, 30, "q")},
             {"differs between", changed(good, local, 8, le(8, 2))},
             {"differs between", changed(good, local, 6, le(1, 2))},
             {"differs between", changed(good, local, 26, le(2, 2))},
             {"inside what begins", changed(good, local, 26, le(0xffff, 2))},
             {"inside what begins", changed(good, local, 28, le(0xffff, 2))},
             {"entry 'r/b' has no local header at byte 1", changed(good, central, 42, le(1, 4), 1)},
             {"begins at byte 4294967294, after the last data",
              changed(good, central, 42, le(0xfffffffe, 4))},
             {"entry 'r/a' lacks its zip64 field", changed(good, central, 42, le(0xffffffff, 4))},
             {"there is no zip directory entry at byte", changed(good, central, 0, "PX")},
             {"the data ends at byte", changed(good, central, 28, le(0xffff, 2), 1)},
             {"the data ends at byte", changed(good, central, 32, le(0xffff, 2), 1)},
             {"cannot hold its 3 entries", changed(good, end_mark, 10, le(3, 2))},
             {"the zip directory goes on after its last entry",
              changed(good, end_mark, 10, le(1, 2))},
             {"cannot hold its 65535 entries", changed(good, end_mark, 10, le(0xffff, 2))},
             {"does not end at byte", changed(good, end_mark, 12, le(1, 4))},
             {"does not end at byte", changed(good, end_mark, 12, le(0xfffffff0, 4))},
             {"does not end at byte", changed(good, end_mark, 16, le(0, 4))},
             {"the zip64 end record is not at byte", changed(wide, "PK\6\6", 0, "PX")},
             {"the zip64 end record is not at byte 0", changed(wide, "PK\6\7", 8, le(0, 8))},
             {"the zip64 end record lies outside the file",
              changed(wide, "PK\6\7", 8, le(std::uint64_t(1) << 63))},
             {"cannot hold its 18446744073709551615 entries",
              changed(wide, "PK\6\6", 32, le(~std::uint64_t(0)))},
             {"does not end at byte", changed(wide, "PK\6\6", 40, le(~std::uint64_t(0)))},
             {"does not end at byte", changed(wide, "PK\6\6", 48, le(~std::uint64_t(0)))},
             {"inside what begins", changed(wide, le(0x180001, 4), 2, le(8, 2))},
             {"lacks its zip64 field", changed(wide, le(0x180001, 4), 0, le(2, 2))},
         }) {
        expect_refusal(fault::model, bad.words, [&] { parse(bad.bytes); });
    }
}

TEST_CASE("entries that share bytes are refused") {
    // The directory's second entry is moved into the data of the first, where a local header of its
    // name stands as well.
    const auto inner = zip({{"r/b", "be"}});
    auto bytes = zip({{"r/a", inner}, {"r/b", "be"}});
    bytes.replace(bytes.rfind(central) + 42, 4, le(40, 4));
    expect_refusal(fault::model, "zip entries 'r/a' and 'r/b' overlap", [&] { parse(bytes); });
}

TEST_CASE("damaged archives are read or refused") {
    for (const bool zip64 : {false, true}) {
        const int refused = survive(zip(two, zip64), 3000, 5, [](const std::string& damaged) {
            for (const auto& entry : parse(damaged)) {
                if (entry.bytes.size() > damaged.size()) FAIL_CHECK("more bytes than the file");
            }
        });
        CHECK(refused > 1000);
    }
}
