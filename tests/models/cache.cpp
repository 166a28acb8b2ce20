// SPDX-License-Identifier: MIT
// Packed weights kept in a folder: the second load takes them from there, to the same bits, for as
// long as nothing has changed; damage, strangers and lack of room cost no more than the first load.
// ranks: 1 2 3 4
#include "models/faults.hpp"
#include "support/deferred_backend.hpp"

#include <csignal>
#include <thread>

#include <sys/resource.h>
#include <sys/stat.h>

using namespace mpar;
using namespace faults;
namespace fs = std::filesystem;

namespace {

/// Rank 0 does it, for all who come.
template <class Work>
void rank_zero(Work work) {
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank_of() == 0) work();
    MPI_Barrier(MPI_COMM_WORLD);
}

/// A weight file that has rested for long enough to be cached, and a folder for the cache.
struct workplace {
    job_folder folder;
    std::string source = rested("weights.safetensors", safetensors(seeded_state()));
    cache_in cache{folder.path("cache")};

    std::string rested(const std::string& name, const std::string& bytes) const {
        const auto path = folder.write(name, bytes);
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
        MPI_Barrier(MPI_COMM_WORLD);
        return path;
    }
    std::vector<fs::path> entries() const {
        std::vector<fs::path> all;
        std::error_code none;
        for (const auto& e : fs::directory_iterator(cache.folder, none)) all.push_back(e.path());
        std::ranges::sort(all);
        return all;
    }
};

template <class Net>
auto logits_of(Net& net) {
    using T = typename Net::element;
    const auto x = images();
    return net.forward(std::vector<T>(x.begin(), x.end()));
}

/// Loads and forwards; the weights must come from the cache or not.
template <class Net = tiny_network>
auto loaded(const workplace& at, bool from_cache, const options& how = {.deadline = 20}) {
    Net net(MPI_COMM_WORLD, how);
    const loading result = load(net, at.source, at.cache);
    CHECK(result.from_cache == from_cache);
    CHECK(result.not_kept.empty());
    return logits_of(net);
}

/// Damages every entry, which must then be made anew.
template <class Damage>
void check_damage(const workplace& at, const std::string& name, Damage damage) {
    INFO(name);
    rank_zero([&] {
        for (const auto& entry : at.entries()) damage(entry);
    });
    CHECK(loaded(at, false) == right_answer());
    CHECK(loaded(at, true) == right_answer());
}

void flip(const fs::path& file, std::streamoff at) {
    std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
    if (at < 0) at += std::streamoff(fs::file_size(file));
    f.seekg(at);
    const char c = char(f.get() ^ 4);
    f.seekp(at);
    f.put(c);
}

state halved() {
    state all = seeded_state();
    for (auto& tensor : all) {
        for (std::size_t i = 3; i < tensor.bytes.size(); i += 4) {
            if (tensor.name.ends_with("weight")) tensor.bytes[i] = char(tensor.bytes[i] ^ 0x80);
        }
    }
    return all;
}

}  // namespace

TEST_CASE("the second load takes the packed weights from the folder, to the same bits") {
    for (const auto team : {teaming::off, teaming::claim, teaming::static_}) {
        for (const auto asked : {std::optional<policy>{}, std::optional(policy::none),
                                 std::optional(policy::rows), std::optional(policy::output)}) {
            INFO(name_of(team) << ", policy " << (asked ? name_of(*asked) : "own"));
            const workplace at;
            const options how{.asked = asked, .deadline = 20, .team = team};
            CHECK(loaded(at, false, how) == right_answer());
            CHECK(loaded(at, true, how) == right_answer());
            CHECK(loaded(at, true, how) == right_answer());
        }
    }
}

TEST_CASE("folder and files are the user's alone; seats of one recipe share a file") {
    const workplace at;
    CHECK(loaded(at, false, {.asked = policy::none, .deadline = 20}) == right_answer());
    const auto all = at.entries();
    CHECK(all.size() == 1);
    struct stat status {};
    CHECK(::stat(at.cache.folder.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
    for (const auto& entry : all) {
        CHECK(::stat(entry.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0600);
        CHECK(entry.extension() == ".packed");
    }
}

TEST_CASE("element types and backends have files of their own") {
    const workplace at;
    using reference = network<tiny, mesh<>, backend::reference>;
    using wide = network<tiny, mesh<>, backend::cpu, double>;
    using wide_reference = network<tiny, mesh<>, backend::reference, double>;
    const auto a = loaded(at, false);
    const auto b = loaded<reference>(at, false);
    const auto c = loaded<wide>(at, false);
    const auto d = loaded<wide_reference>(at, false);
    CHECK(loaded(at, true) == a);
    CHECK(loaded<reference>(at, true) == b);
    CHECK(loaded<wide>(at, true) == c);
    CHECK(loaded<wide_reference>(at, true) == d);
}

TEST_CASE("memory that the host cannot touch takes a copy") {
    const workplace at;
    network<tiny, mesh<>, mpar_test::deferred> first(MPI_COMM_WORLD), second(MPI_COMM_WORLD);
    CHECK_FALSE(load(first, at.source, at.cache).from_cache);
    CHECK(load(second, at.source, at.cache).from_cache);
    const auto a = first.packed(), b = second.packed();
    REQUIRE(a.bytes.size() == b.bytes.size());
    CHECK(std::ranges::equal(a.bytes, b.bytes));
}

TEST_CASE("a changed weight file is read again and its entry replaced") {
    workplace at;
    CHECK(loaded(at, false) == right_answer());
    const auto before = at.entries();
    at.source = at.rested("weights.safetensors", safetensors(halved()));
    const auto other = loaded(at, false);
    CHECK(other != right_answer());
    CHECK(loaded(at, true) == other);
    CHECK(at.entries() == before);

    rank_zero([&] {  // another time, the same size and values
        fs::last_write_time(at.source, fs::file_time_type::clock::now() - std::chrono::hours(1));
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
    });
    CHECK(loaded(at, false) == other);
    CHECK(loaded(at, true) == other);

    // Another name for the same file is the same file.
    rank_zero([&] { fs::create_symlink(at.source, at.folder.path("link")); });
    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    CHECK(load(net, at.folder.path("link"), at.cache).from_cache);
}

TEST_CASE("a file that is being changed is not cached") {
    const workplace at;
    for (int i = 0; i < 2; ++i) {
        const auto path = at.folder.write("new.safetensors", safetensors(seeded_state()));
        tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
        const auto result = load(net, path, at.cache);
        CHECK_FALSE(result.from_cache);
        CHECK(logits_of(net) == right_answer());
        if (result.not_kept.empty()) continue;  // a slow machine
        CHECK_THAT(result.not_kept, Catch::Matchers::ContainsSubstring("this very moment"));
    }
}

TEST_CASE("a damaged entry is made anew") {
    const workplace at;
    CHECK(loaded(at, false) == right_answer());
    const auto size = [](const fs::path& e) { return std::uintmax_t(fs::file_size(e)); };
    check_damage(at, "first byte", [](const fs::path& e) { flip(e, 4096); });
    check_damage(at, "last byte", [](const fs::path& e) { flip(e, -1); });
    check_damage(at, "a byte between",
                 [&](const fs::path& e) { flip(e, long(size(e) / 2 + 2048)); });
    check_damage(at, "magic", [](const fs::path& e) { flip(e, 0); });
    check_damage(at, "format", [](const fs::path& e) { flip(e, 8); });
    check_damage(at, "recipe, version, ISA", [](const fs::path& e) { flip(e, 16); });
    check_damage(at, "content", [](const fs::path& e) { flip(e, 64); });
    check_damage(at, "length", [](const fs::path& e) { flip(e, 72); });
    check_damage(at, "empty", [](const fs::path& e) { fs::resize_file(e, 0); });
    check_damage(at, "header only", [](const fs::path& e) { fs::resize_file(e, 4096); });
    check_damage(at, "half", [&](const fs::path& e) { fs::resize_file(e, size(e) / 2); });
    check_damage(at, "a byte less", [&](const fs::path& e) { fs::resize_file(e, size(e) - 1); });
    check_damage(at, "a byte more", [&](const fs::path& e) { fs::resize_file(e, size(e) + 1); });
    check_damage(at, "gone", [](const fs::path& e) { fs::remove(e); });
    check_damage(at, "other text", [](const fs::path& e) { std::ofstream(e) << "not packed"; });
    check_damage(at, "writable for all", [](const fs::path& e) { ::chmod(e.c_str(), 0666); });
    check_damage(at, "a link", [](const fs::path& e) {
        fs::rename(e, e.string() + ".elsewhere");
        fs::create_symlink(e.string() + ".elsewhere", e);
    });
    check_damage(at, "a pipe", [](const fs::path& e) {
        if (e.extension() != ".packed") return;
        fs::remove(e);
        REQUIRE(::mkfifo(e.c_str(), 0600) == 0);
    });
    if (::geteuid() == 0) {
        check_damage(at, "somebody else's",
                     [](const fs::path& e) { REQUIRE(::chown(e.c_str(), 4711, 4711) == 0); });
    }
}

TEST_CASE("an entry of another file under this name is refused") {
    const workplace at;
    CHECK(loaded(at, false) == right_answer());
    const auto mine = at.entries();
    const auto other = at.rested("other.safetensors", safetensors(halved()));
    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    CHECK_FALSE(load(net, other, at.cache).from_cache);
    check_damage(at, "exchanged", [&](const fs::path& e) {
        if (std::ranges::find(mine, e) != mine.end()) return;
        for (const auto& m : mine) {
            if (fs::file_size(m) == fs::file_size(e)) {
                fs::copy_file(e, m, fs::copy_options::overwrite_existing);
            }
        }
    });
}

TEST_CASE("a cache that cannot be written is no error") {
    const workplace at;
    struct hindrance {
        std::string name, folder, words;
    };
    at.folder.write("file", "not a folder");
    for (const auto& [name, folder, words] :
         {hindrance{"a file for a folder", at.folder.path("file"), "cannot be written"},
          hindrance{"below a file", at.folder.path("file") + "/cache", "cannot be made"},
          hindrance{"where no folder can be made", "/proc/mpar/cache", "cannot be made"},
          hindrance{"no path", std::string("a\0b", 3), "is no path"}}) {
        INFO(name);
        tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
        for (int i = 0; i < 2; ++i) {
            const auto result = load(net, at.source, cache_in{folder});
            CHECK_FALSE(result.from_cache);
            CHECK_THAT(result.not_kept, Catch::Matchers::StartsWith("mpar: "));
            CHECK_THAT(result.not_kept, Catch::Matchers::ContainsSubstring(words));
            CHECK(logits_of(net) == right_answer());
        }
    }
}

TEST_CASE("a full disk leaves no half file") {
    const workplace at;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit little{6000, before.rlim_max};
    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    load(net, at.source);  // a team's memory of weights is a file to the limit, too
    MPI_Barrier(MPI_COMM_WORLD);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &little) == 0);
    const auto result = load(net, at.source, at.cache);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    CHECK_FALSE(result.from_cache);
    CHECK_THAT(result.not_kept, Catch::Matchers::ContainsSubstring("cannot be written"));
    CHECK(logits_of(net) == right_answer());
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(at.entries().empty());
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(loaded(at, false) == right_answer());
    CHECK(loaded(at, true) == right_answer());
}

TEST_CASE("what killed writers have left is removed after hours, what is being written is not") {
    const workplace at;
    CHECK(loaded(at, false) == right_answer());
    const auto all = at.entries();
    const fs::path fresh = all[0].string() + ".part1.0", old = all[0].string() + ".part2.0";
    rank_zero([&] {
        std::ofstream(fresh) << "x";
        std::ofstream(old) << "x";
        fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(3));
        for (const auto& e : all) flip(e, 4096);
    });
    CHECK(loaded(at, false) == right_answer());
    CHECK(fs::exists(fresh));
    CHECK_FALSE(fs::exists(old));
}

TEST_CASE("ranks may have caches of their own, or none: all take theirs or none does") {
    workplace at;
    const options alone{.deadline = 20, .team = teaming::off};
    const std::string mine = at.folder.path("of" + std::to_string(rank_of()));
    const auto with = [&](const std::string& folder) {
        tiny_network net(MPI_COMM_WORLD, alone);
        const auto result = load(net, at.source, cache_in{folder});
        CHECK(logits_of(net) == right_answer());
        CHECK(result.not_kept.empty());
        return result.from_cache;
    };
    CHECK_FALSE(with(rank_of() == 0 ? mine : ""));
    CHECK(with(rank_of() == 0 ? mine : "") == (ranks_of() == 1));
    CHECK(with(mine) == (ranks_of() == 1));
    CHECK(with(mine));
    fs::remove_all(rank_of() == ranks_of() - 1 ? mine : "/nonexistent");
    CHECK_FALSE(with(mine));
    CHECK(with(mine));
    CHECK_FALSE(with(""));
}

TEST_CASE("ranks whose caches hold different weights read their files, and say so") {
    if (ranks_of() == 1) return;
    const workplace at;
    const auto other = at.rested("other.safetensors", safetensors(halved()));
    const options alone{.deadline = 20, .team = teaming::off};
    for (const auto& source : {at.source, other}) {
        tiny_network net(MPI_COMM_WORLD, alone);
        CHECK_FALSE(load(net, source, at.cache).from_cache);
        CHECK(load(net, source, at.cache).from_cache);
    }
    tiny_network net(MPI_COMM_WORLD, alone);
    const auto& mine = rank_of() == 1 ? other : at.source;
    MPI_Barrier(MPI_COMM_WORLD);
    const ending end = ending_of([&] { load(net, mine, at.cache); });
    CHECK(end.kind == int(fault::model));
    CHECK_THAT(end.sentence, Catch::Matchers::ContainsSubstring("read different weights"));
    CHECK(load(net, at.source, at.cache).from_cache);
    CHECK(logits_of(net) == right_answer());
}

TEST_CASE("a network takes weights from a cache, a file and its names in any order") {
    const workplace at;
    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    CHECK_FALSE(load(net, at.source, at.cache).from_cache);
    CHECK(load(net, at.source, at.cache).from_cache);
    CHECK(logits_of(net) == right_answer());
    const auto other = at.folder.write("other.safetensors", safetensors(halved()));
    CHECK_FALSE(load(net, other).from_cache);
    CHECK(logits_of(net) != right_answer());
    load_seeded(net);
    CHECK(logits_of(net) == right_answer());
    CHECK(load(net, at.source, at.cache).from_cache);
    CHECK(logits_of(net) == right_answer());
    // An entry that is replaced while it is in use.
    rank_zero([&] {
        for (const auto& e : at.entries()) fs::remove(e);
    });
    CHECK(loaded(at, false) == right_answer());
    CHECK(logits_of(net) == right_answer());
    net.unload();
    refused_by_all("unloaded", fault::usage, "no weights yet", [&] { logits_of(net); });
    refused_by_all("missing", fault::model, "cannot be opened",
                   [&] { load(net, at.folder.path("missing"), at.cache); });
}
