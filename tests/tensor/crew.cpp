// SPDX-License-Identifier: MIT
// A crew's units are done once each, by members and hands together, and are seen by all when it meets.
// timeout: 60
#include "support/catch.hpp"
#include "support/pace.hpp"

#include <mpar/tensor/crew.hpp>

#include <numeric>
#include <thread>
#include <vector>

using namespace mpar;

namespace {

/// `members` threads of one process as the members of a crew; each runs work(its crew).
template <class Work>
void with_members(int members, int hands_each, Work work, double deadline = 20) {
    std::vector<std::byte> memory(crew_board::bytes(members) + 128);
    void* at = memory.data();
    std::size_t room = memory.size();
    auto* board = crew_board::make(std::align(128, crew_board::bytes(members), at, room), members);
    std::vector<std::thread> threads;
    for (int m = 0; m < members; ++m) {
        threads.emplace_back([&, m] {
            crew mine;
            mine.join(board, m, members, 10 + m, seconds(deadline), 100);
            mine.hire(hands_each);
            work(mine);
        });
    }
    for (auto& t : threads) t.join();
}

/// What work() throws, or "".
template <class Work>
std::string thrown(Work work) {
    try {
        work();
    } catch (const error& e) {
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("each unit is done once, and seen by all members afterwards") {
    for (const int members : {1, 2, 3, 5}) {
        for (const int hands_each : {1, 2, 3}) {
            CAPTURE(members, hands_each);
            constexpr int works = 300;
            std::vector<std::vector<int>> done(works);
            for (int w = 0; w < works; ++w) done[std::size_t(w)].assign(std::size_t(w % 40), 0);
            std::atomic<int> wrong{0};
            with_members(members, hands_each, [&](crew& mine) {
                if (mine.workers() != members * hands_each) ++wrong;
                for (auto& units : done) {
                    mine.share(long(units.size()), [&](long u, int worker) {
                        if (worker < 0 || worker >= mine.workers()) ++wrong;
                        ++units[std::size_t(u)];
                    });
                    for (const int count : units) wrong += count != 1;
                }
            });
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("what one does alone or for all") {
    std::atomic<int> wrong{0};
    int sum = 0;
    with_members(3, 2, [&](crew& mine) {
        for (int i = 0; i < 50; ++i) {
            mine.single([&] { ++sum; });
            if (sum != i + 1) ++wrong;
            mine.meet();
            std::vector<int> own(7);
            mine.alone([&] { mine.share(7, [&](long u, int) { ++own[std::size_t(u)]; }); });
            if (std::accumulate(own.begin(), own.end(), 0) != 7) ++wrong;
            mine.share(4, [&](long, int) {  // a share within a unit is a plain loop
                int inner = 0;
                mine.share(5, [&](long, int) { ++inner; });
                if (inner != 5) ++wrong;
            });
        }
    });
    CHECK(wrong == 0);
}

TEST_CASE("all hear what the first member says") {
    for (const int members : {1, 2, 3}) {
        std::atomic<int> wrong{0};
        with_members(members, 1, [&](crew& mine) {
            for (int i = 0; i < 2000; ++i) {
                const bool said = i % 3 == 0 || i % 7 == 0;
                wrong += mine.meet_and_hear(mine.leads() ? said : !said) != said;
                if (i % 5 == 0) mine.meet();
            }
        });
        CHECK(wrong == 0);
    }
}

TEST_CASE("a member that stays away is named") {
    std::vector<std::string> words(3);
    const double limit =  // within which all of them have begun
        mpar_test::patience_for([] { with_members(3, 1, [](crew& mine) { mine.meet(); }); }, 0.3);
    with_members(
        3, 1,
        [&](crew& mine) {
            if (mine.member() == 1) return;
            mine.announce(7, "conv2d");
            words[std::size_t(mine.member())] = thrown([&] { mine.meet(); });
        },
        limit);
    const std::string silent = "nothing from rank 11 for " + in_words(seconds(limit));
    for (const int m : {0, 2}) {  // the first to give up speaks for all
        INFO(words[std::size_t(m)]);
        CHECK((words[std::size_t(m)] == "mpar: rank 10, step 7 (conv2d): " + silent ||
               words[std::size_t(m)] == "mpar: rank 12, step 7 (conv2d): " + silent));
    }
}

TEST_CASE("a member that fails tells the others at once") {
    std::vector<std::string> words(3);
    with_members(3, 1, [&](crew& mine) {
        if (mine.member() == 2) return mine.fail(error(fault::mpi, "mpar: the net is down"));
        words[std::size_t(mine.member())] = thrown([&] { mine.share(3, [](long, int) {}); });
    });
    CHECK(words[0] == "mpar: the net is down");
    CHECK(words[1] == "mpar: the net is down");
}

TEST_CASE("hands that sleep come back") {
    crew mine;
    mine.hire(3);
    for (int i = 0; i < 5; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        std::atomic<int> count{0};
        mine.share(100, [&](long, int) { ++count; });
        CHECK(count == 100);
    }
}
