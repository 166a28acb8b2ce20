// SPDX-License-Identifier: MIT
// A rank that does not come to a network's forward: the others say before which step they waited,
// for whom, and can go on without it.
// ranks: 2 3 4
// processors: 1
// sanitize: no
// (what is left behind on purpose when a wait fails is a leak to AddressSanitizer)
#include "support/catch.hpp"
#include "support/pace.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <chrono>
#include <cmath>
#include <regex>
#include <thread>

using namespace mpar;
using mpar_test::farewell;
using mpar_test::stay_away;

namespace {

struct net {
    using input = image<3, 16, 8>;
    using layers =
        chain<conv2d<3, 16, window<3>, shard::rows>, relu, conv2d<16, 16, window<3>, shard::rows>,
              relu, conv2d<16, 32, window<3>, shard::output>,
              conv2d<32, 32, window<1>, shard::output>>;
};

std::vector<float> images() {
    const std::int64_t extents[] = {1, 3, 16, 8};
    return io::seeded_values<float>("input", extents);
}

/// 0.6 seconds, or more where ranks are slow to come.
double time_limit() {
    static const double time = mpar_test::patience_for(
        [] {
            network<net> n(MPI_COMM_WORLD);
            load_seeded(n);
            n.forward(images());
        },
        0.6);
    return time;
}

/// What forward says on this rank while `silent` stays away.
std::string words_of(network<net>& n, int silent) {
    MPI_Barrier(MPI_COMM_WORLD);
    std::string words;
    if (n.rank() == silent) {
        stay_away();
    } else {
        const auto began = mpar_test::clock_type::now();
        try {
            n.forward(images());
        } catch (const error& e) {
            CHECK(e.kind() == fault::no_progress);
            words = e.what();
        }
        CHECK(mpar_test::seconds_since(began) >= time_limit());
        farewell(silent);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    return words;
}

bool matches(const std::string& words, const std::string& pattern) {
    INFO(words << " against " << pattern);
    const bool yes = std::regex_match(words, std::regex(pattern));
    CHECK(yes);
    return yes;
}

}  // namespace

TEST_CASE("each rank in turn stays away from forward") {
    network<net> alone(MPI_COMM_SELF);
    load_seeded(alone);
    const auto answer = alone.forward(images());
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int silent = 0; silent < ranks; ++silent) {
        INFO("silent: " << silent);
        {
            network<net> n(MPI_COMM_WORLD, {.deadline = time_limit(), .team = teaming::off});
            load_seeded(n);
            CHECK(n.forward(images()) == answer);
            const auto words = words_of(n, silent);
            if (n.rank() != silent) {
                // a neighbour waits for its halo, the others for what the neighbour then lacks
                const bool neighbour = std::abs(n.rank() - silent) == 1;
                const std::string who = "mpar: rank " + std::to_string(n.rank()) + ", ";
                if (neighbour) {
                    matches(words, who +
                                       "halo before step 1 \\(conv2d<16, 16.*\\): nothing from "
                                       "rank " +
                                       std::to_string(silent) + " for .*s");
                } else {
                    matches(words, who + ".* before step \\d \\(.*\\): nothing from rank .*s");
                }
                CHECK(n.comm().is_broken());
            }
        }
        network<net> next(MPI_COMM_WORLD, {.deadline = 20});  // the job goes on
        load_seeded(next);
        CHECK(next.forward(images()) == answer);
    }
}

TEST_CASE("a member of a team stays away from forward") {
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (const auto how : {teaming::claim, teaming::static_}) {
        const int silent = ranks - 1;
        network<net> n(MPI_COMM_WORLD, {.deadline = time_limit(), .team = how});
        load_seeded(n);
        const auto words = words_of(n, silent);
        if (n.rank() == silent) continue;
        matches(words, "mpar: rank \\d, step \\d \\(.*\\): nothing from rank " +
                           std::to_string(silent) + " for " + in_words(seconds(time_limit())));
        CHECK(n.comm().is_broken());
    }
}

TEST_CASE("one member of a team fails: the others, who wait for it, throw the same") {
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ranks < 4) return;  // two teams of two
    network<net> n(MPI_COMM_WORLD, {.deadline = time_limit(), .team_size = 2});
    load_seeded(n);
    MPI_Barrier(MPI_COMM_WORLD);
    std::string words;
    if (n.rank() < 2) {
        try {
            n.forward(images());
        } catch (const error& e) {
            words = e.what();
        }
        // the first member waited for the other team, the second for the first
        matches(words,
                "mpar: rank 0, .* before step \\d \\(.*\\): nothing from rank 1 for .*s|"
                "mpar: rank 1, step \\d \\(.*\\): nothing from rank 0 for .*s");
        for (const int away : {2, 3}) farewell(away);
    } else {
        for (int gone = 0; gone < 2; ++gone) {
            MPI_Recv(nullptr, 0, MPI_BYTE, gone, mpar_test::tag_of_farewell, MPI_COMM_WORLD,
                     MPI_STATUS_IGNORE);
        }
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

TEST_CASE("a rank that does not come to load") {
    network<net> n(MPI_COMM_WORLD, {.deadline = time_limit()});
    MPI_Barrier(MPI_COMM_WORLD);
    if (n.rank() == 0) {
        stay_away();
    } else {
        try {
            load_seeded(n);
            FAIL_CHECK("loaded without rank 0");
        } catch (const error& e) {
            CHECK(e.kind() == fault::no_progress);
            matches(e.what(), "mpar: rank \\d, .*: nothing from .*");
        }
        farewell(0);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

TEST_CASE("a rank that comes late but in time is waited for") {
    network<net> n(MPI_COMM_WORLD, {.deadline = 5 * time_limit()});
    load_seeded(n);
    for (int late = 0; late < n.ranks(); ++late) {
        if (n.rank() == late)
            std::this_thread::sleep_for(std::chrono::duration<double>(time_limit()));
        CHECK_NOTHROW(n.forward(images()));
    }
    CHECK_FALSE(n.comm().is_broken());
}

TEST_CASE("a network that gave up does so again at once or by its deadline, and can be destroyed") {
    network<net> n(MPI_COMM_WORLD, {.deadline = time_limit()});
    load_seeded(n);
    const auto words = words_of(n, n.ranks() - 1);
    if (n.rank() != n.ranks() - 1) {
        CHECK(!words.empty());
        CHECK_THROWS_AS(n.forward(images()), error);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}
