// SPDX-License-Identifier: MIT
// A network whose teams' memory is more than /dev/shm holds: its ranks go on without teams, to the same bits.
// ranks: 2 3
// program: own
#include "support/catch.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <dlfcn.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace {

off_t room = off_t(1) << 40;  // of a file under /dev/shm
bool has_unnamed = true;

}  // namespace

// In place of the C library's: MPI itself uses neither.
extern "C" int memfd_create(const char* name, unsigned flags) {
    if (!has_unnamed) {
        errno = ENOSYS;
        return -1;
    }
    const auto real =
        reinterpret_cast<int (*)(const char*, unsigned)>(dlsym(RTLD_NEXT, "memfd_create"));
    return real(name, flags);
}
extern "C" int posix_fallocate(int file, off_t from, off_t bytes) {
    if (from + bytes > room) return ENOSPC;
    const auto real =
        reinterpret_cast<int (*)(int, off_t, off_t)>(dlsym(RTLD_NEXT, "posix_fallocate"));
    return real(file, from, bytes);
}
extern "C" int fstatvfs(int file, struct statvfs* space) {
    const auto real = reinterpret_cast<int (*)(int, struct statvfs*)>(dlsym(RTLD_NEXT, "fstatvfs"));
    const int code = real(file, space);
    space->f_bavail = std::min<fsblkcnt_t>(space->f_bavail, fsblkcnt_t(room) / space->f_frsize);
    return code;
}

using namespace mpar;

namespace {

// clang-format off
struct net_of_weights {  // 1 MB, and activations of some KB
    using input = image<16, 6, 6>;
    using layers = chain<conv2d<16, 160, window<3>>, relu, conv2d<160, 160, window<3>>,
                         global_avg_pool, flatten, dense<160, 8>>;
};
struct net_of_activations {  // the other way round
    using input = image<3, 96, 96>;
    using layers = chain<conv2d<3, 32, window<3>>, relu, conv2d<32, 8, window<3>>,
                         global_avg_pool, flatten>;
};
// clang-format on

template <class Net>
void check(const char* name) {
    INFO(name);
    room = off_t(1) << 40;
    has_unnamed = true;
    const options asked{.exact = true};
    network<Net> roomy(MPI_COMM_WORLD, asked);
    CHECK(roomy.note().empty());
    load_seeded(roomy, {});
    const std::vector<float> x(std::size_t(roomy.input_box().extents().count()), 0.25f);

    room = off_t(1) << 17;
    has_unnamed = false;
    network<Net> cramped(MPI_COMM_WORLD, asked);
    CHECK_THAT(cramped.note(),
               Catch::Matchers::StartsWith("the ranks work without teams: ") &&
                   Catch::Matchers::ContainsSubstring("unavailable (No space left"));
    load_seeded(cramped, {});
    const std::vector<float> whole(std::size_t(cramped.input_box().extents().count()), 0.25f);
    CHECK(cramped.forward(whole) == roomy.forward(x));
    room = off_t(1) << 40;
    has_unnamed = true;
}

}  // namespace

TEST_CASE("a node without room for the teams' weights or activations") {
    check<net_of_weights>("weights");
    check<net_of_activations>("activations");
}
