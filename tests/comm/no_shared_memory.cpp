// SPDX-License-Identifier: MIT
// Nodes whose /dev/shm is closed or too small: memory without a name, and where that fails too, no teams.
// ranks: 2 3
// program: own
#include "support/catch.hpp"

#include <mpar/comm/team.hpp>

#include <dlfcn.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdarg>
#include <limits>

namespace {

bool has_named = true, has_unnamed = true, says_its_room = true;
constexpr long any = std::numeric_limits<long>::max();
long room = any;  // of a file under /dev/shm

}  // namespace

// In place of the C library's: MPI itself uses neither.
extern "C" int shm_open(const char* name, int flags, mode_t mode) {
    if (!has_named) {
        errno = EROFS;
        return -1;
    }
    const auto real =
        reinterpret_cast<int (*)(const char*, int, mode_t)>(dlsym(RTLD_NEXT, "shm_open"));
    return real(name, flags, mode);
}
extern "C" int memfd_create(const char* name, unsigned flags) {
    if (!has_unnamed) {
        errno = ENOSYS;
        return -1;
    }
    const auto real =
        reinterpret_cast<int (*)(const char*, unsigned)>(dlsym(RTLD_NEXT, "memfd_create"));
    return real(name, flags);
}

extern "C" int fstatvfs(int file, struct statvfs* space) {
    if (!says_its_room) return -1;
    const auto real = reinterpret_cast<int (*)(int, struct statvfs*)>(dlsym(RTLD_NEXT, "fstatvfs"));
    const int code = real(file, space);
    if (room != any) space->f_bavail = fsblkcnt_t(room) / space->f_frsize;
    return code;
}
extern "C" int posix_fallocate(int file, off_t from, off_t bytes) {
    if (from + bytes > room) return ENOSPC;
    const auto real =
        reinterpret_cast<int (*)(int, off_t, off_t)>(dlsym(RTLD_NEXT, "posix_fallocate"));
    return real(file, from, bytes);
}

using namespace mpar;

TEST_CASE("a node without /dev/shm has teams all the same") {
    has_named = false;
    communicator comm(MPI_COMM_WORLD, seconds(60));
    team t(comm, teaming::claim);
    REQUIRE(t.members() == comm.size());
    CHECK(t.note().empty());
    const std::size_t bytes = std::size_t(5) << 20;  // huge pages are asked for
    team_memory<> memory(t, bytes);
    auto* const values = static_cast<volatile int*>(memory.data());
    CHECK(values[comm.rank()] == 0);
    values[comm.rank()] = 100 + comm.rank();
    values[bytes / sizeof(int) - 1 - std::size_t(comm.rank())] = 7;
    all_reduce(comm, 0, MPI_SUM);
    for (int r = 0; r < comm.size(); ++r) {
        CHECK(values[r] == 100 + r);
        CHECK(values[bytes / sizeof(int) - 1 - std::size_t(r)] == 7);
    }
    has_named = true;
}

TEST_CASE("where no memory can be shared ranks work without teams and say why") {
    communicator comm(MPI_COMM_WORLD, seconds(60));
    has_named = has_unnamed = comm.rank() != 0;  // one node of several would be enough
    for (const auto how : {teaming::claim, teaming::fixed}) {
        const team t(comm, how);
        CHECK(t.members() == 1);
        CHECK(t.how() == teaming::off);
        CHECK(t.seats() == comm.size());
        CHECK_THAT(t.note(), Catch::Matchers::StartsWith("the ranks work without teams: ") &&
                                 Catch::Matchers::ContainsSubstring("unavailable (Read-only"));
    }
    has_named = has_unnamed = true;
    CHECK(team(comm, teaming::claim).note().empty());
}

TEST_CASE("room for a byte is no room for a team's memory") {
    communicator comm(MPI_COMM_WORLD, seconds(60));
    for (const bool says : {true, false}) {
        INFO(says);
        says_its_room = says;
        room = 1 << 16;
        has_unnamed = false;
        CHECK(team(comm, teaming::claim).members() == comm.size());
        CHECK(team(comm, teaming::fixed, 0, 1, 1 << 12).members() == comm.size());
        const team t(comm, teaming::claim, 0, 1, 1 << 20);
        CHECK(t.members() == 1);
        CHECK_THAT(t.note(), Catch::Matchers::StartsWith("the ranks work without teams: ") &&
                                 Catch::Matchers::ContainsSubstring("unavailable (No space left"));
        has_unnamed = true;
        CHECK(team(comm, teaming::claim, 0, 1, 1 << 20).members() == comm.size());
        room = any;
    }
    says_its_room = true;
}

TEST_CASE("more than the machine has is refused before it is taken") {
    has_named = false;
    communicator comm(MPI_COMM_WORLD, seconds(60));
    CHECK_THROWS_AS(shared_block(comm, std::size_t(1) << 44), error);
    has_named = true;
}
