// SPDX-License-Identifier: MIT
// Errors are collective: whichever ranks fail, all throw the lowest one's error.
// ranks: 1 2 3 4
#include "support/catch.hpp"

#include <mpar/comm/agree.hpp>

#include <array>
#include <cstring>
#include <stdexcept>
#include <vector>

using namespace mpar;

namespace {

struct caught {
    int kind = 0;  ///< 0: nothing; -1: something else than mpar::error
    std::array<char, 600> words{};
};

template <class Call>
caught catching(Call call) {
    caught c;
    try {
        call();
    } catch (const error& e) {
        c.kind = int(e.kind());
        std::strncpy(c.words.data(), e.what(), c.words.size() - 1);
    } catch (...) {
        c.kind = -1;
    }
    return c;
}

/// What every rank caught must be that.
void all_caught(const caught& mine, int kind, const std::string& words) {
    int ranks = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    std::vector<caught> all(static_cast<std::size_t>(ranks));
    MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all.data(), sizeof mine, MPI_BYTE, MPI_COMM_WORLD);
    for (const auto& c : all) {
        CHECK(c.kind == kind);
        CHECK(std::string(c.words.data()) == words);
    }
}

communicator world() { return communicator(MPI_COMM_WORLD, seconds(20)); }

bool in(int subset, int rank) { return (subset >> rank & 1) != 0; }

int lowest(int subset) {
    int rank = 0;
    while (!in(subset, rank)) ++rank;
    return rank;
}

/// Each subset of the ranks of `comm`, the empty one and all of them too.
template <class Visit>
void each_subset(const communicator& comm, Visit visit) {
    for (int subset = 0; subset < 1 << comm.size(); ++subset) {
        INFO("failing ranks, as bits: " << subset);
        visit(subset);
    }
}

std::string prefix(const communicator& comm, int subset) {
    if (subset == 0 || subset == (1 << comm.size()) - 1) return "mpar: ";
    return "mpar: rank " + std::to_string(lowest(subset)) + ": ";
}

}  // namespace

TEST_CASE("any subset of the ranks fails: all throw the lowest one's error") {
    auto comm = world();
    constexpr fault kinds[] = {fault::model, fault::numbers, fault::device, fault::input};
    each_subset(comm, [&](int subset) {
        int calls = 0;
        const auto mine = catching([&] {
            agree(comm, [&] {
                ++calls;
                const int me = comm.rank();
                if (in(subset, me))
                    throw error(kinds[me], "mpar: bad on its own way " + std::to_string(me));
            });
        });
        CHECK(calls == 1);
        const int first = subset ? lowest(subset) : 0;
        all_caught(
            mine, subset ? int(kinds[first]) : 0,
            subset ? prefix(comm, subset) + "bad on its own way " + std::to_string(first) : "");
    });
}

TEST_CASE("what is no error of mpar's becomes internal, no memory becomes device") {
    auto comm = world();
    each_subset(comm, [&](int subset) {
        if (subset == 0) return;
        const std::string start = prefix(comm, subset);
        const bool me = in(subset, comm.rank());
        all_caught(catching([&] {
                       agree(comm, [&] {
                           if (me) throw std::runtime_error("out of words");
                       });
                   }),
                   int(fault::internal), start + "out of words");
        all_caught(catching([&] {
                       agree(comm, [&] {
                           if (me) throw std::bad_alloc();
                       });
                   }),
                   int(fault::device), start + "memory is unavailable");
    });
}

TEST_CASE("what is no exception of the standard library becomes internal too") {
    const int ranks = world().size();
    for (int who = 0; who < ranks; ++who) {
        auto comm =
            world();  // the others must not wait for the one that left: that were no_progress
        const auto mine = catching([&] {
            agree(comm, [&] {
                if (comm.rank() == who) throw 42;
            });
        });
        CHECK(mine.kind == int(fault::internal));
        MPI_Barrier(MPI_COMM_WORLD);
    }
}

TEST_CASE("a sentence of any length comes through, cut at 511 bytes") {
    auto comm = world();
    for (const std::size_t length : {6, 100, 250, 490, 505, 600, 100'000}) {
        const std::string long_words = "mpar: " + std::string(length - 6, 'w');
        for (int subset : {1, (1 << comm.size()) - 1}) {
            const auto mine = catching([&] {
                agree(comm, [&] {
                    if (in(subset, comm.rank())) throw error(fault::model, long_words);
                });
            });
            const std::string whole = prefix(comm, subset) + long_words.substr(6);
            all_caught(mine, int(fault::model), whole.substr(0, 511));
        }
    }
}

TEST_CASE("agreements follow each other, failed ones too") {
    auto comm = world();
    int right = 0;
    for (int i = 0; i < 500; ++i) {
        const int who = i % (comm.size() + 1);  // nobody, once in a while
        const auto mine = catching([&] {
            agree(comm, [&] {
                if (comm.rank() == who) throw error(fault::input, "mpar: " + std::to_string(i));
            });
        });
        const std::string start =
            comm.size() > 1 ? "mpar: rank " + std::to_string(who) + ": " : "mpar: ";
        right +=
            who == comm.size() ? mine.kind == 0 : mine.words.data() == start + std::to_string(i);
    }
    CHECK(right == 500);
    CHECK_FALSE(comm.is_broken());
}

TEST_CASE("a number that all ranks have is agreed on, one that differs is refused by all") {
    auto comm = world();
    for (const std::uint64_t number :
         {std::uint64_t(0), std::uint64_t(1), ~std::uint64_t(0), std::uint64_t(1) << 63,
          std::uint64_t(0xffffffff), std::uint64_t(0x123456789abcdef0)}) {
        CHECK_NOTHROW(agree_on(comm, number, fault::model, "mpar: they differ"));
        for (int who = 0; who < comm.size() && comm.size() > 1; ++who) {
            for (int bit = 0; bit < 64; ++bit) {
                const auto mine = number ^ (comm.rank() == who ? std::uint64_t(1) << bit : 0);
                const auto c =
                    catching([&] { agree_on(comm, mine, fault::usage, "mpar: they differ"); });
                if (c.kind != int(fault::usage)) FAIL_CHECK("bit " << bit << " on rank " << who);
            }
        }
    }
    if (comm.size() > 1) {
        all_caught(catching([&] {
                       agree_on(comm, std::uint64_t(comm.rank() == 1), fault::model, "mpar: no");
                   }),
                   int(fault::model), "mpar: no");
    }
}

TEST_CASE("halves that differ in opposite ways are no agreement") {
    auto comm = world();
    if (comm.size() < 2) return;
    const auto number = comm.rank() == 0 ? std::uint64_t(1) << 32 : std::uint64_t(1);
    CHECK(catching([&] { agree_on(comm, number, fault::model, "mpar: no"); }).kind ==
          int(fault::model));
}
