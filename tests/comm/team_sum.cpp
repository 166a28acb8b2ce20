// SPDX-License-Identifier: MIT
// Sums over a team: the order of the members decides every bit, buffers take turns.
// ranks: 1 2 3 4
#include "support/catch.hpp"

#include <mpar/comm/team_sum.hpp>

#include <cstring>
#include <random>
#include <vector>

using namespace mpar;

namespace {

template <class T>
std::vector<T> values_of(int member, int round, long count) {
    std::mt19937 draw(unsigned(round * 100 + member));
    std::vector<T> values(std::size_t(count), T{});
    for (T& v : values) v = T(int(draw() % 20001) - 10000) / T(777);
    return values;
}

template <class T>
void check_sums(int most_members) {
    communicator comm(MPI_COMM_WORLD);
    team t(comm, teaming::claim, most_members);
    crew members;
    const auto board = muster(t, members, comm.rank(), comm.deadline());
    team_sum<T> sums(t, members, 20000);
    int round = 0;
    for (const long count : {1L, 20000L, 7L, 512L, 511L, 513L, 5000L, 16L, 19999L, 0L, 3L}) {
        CAPTURE(count);
        std::vector<T> wanted = values_of<T>(0, round, count);
        for (int m = 1; m < t.members(); ++m) {
            const auto more = values_of<T>(m, round, count);
            for (long i = 0; i < count; ++i) wanted[std::size_t(i)] += more[std::size_t(i)];
        }
        const auto mine = values_of<T>(t.member(), round, count);
        std::copy(mine.begin(), mine.end(), sums.mine());
        const T* const result = sums.sum(count);
        CHECK((count == 0 || std::memcmp(result, wanted.data(), wanted.size() * sizeof(T)) == 0));
        ++round;
    }
}

}  // namespace

TEST_CASE("all members get the sum in the order of the members, bit for bit") {
    for (const int most : {0, 1, 2}) {
        check_sums<float>(most);
        check_sums<double>(most);
    }
}
