// SPDX-License-Identifier: MIT
// A rank that does not come to a network's forward: the others say before which step they waited,
// for whom, and can go on without it.
// ranks: 2 3 4
// processors: 1
// sanitize: no
// (what is left behind on purpose when a wait fails is a leak to AddressSanitizer)
#include "support/catch.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <chrono>
#include <cmath>
#include <regex>
#include <thread>

using namespace mpar;
using clock_type = std::chrono::steady_clock;

namespace {

struct net {
    using input = image<3, 16, 8>;
    using layers =
        chain<conv2d<3, 16, window<3>, shard::rows>, relu, conv2d<16, 16, window<3>, shard::rows>,
              relu, conv2d<16, 32, window<3>, shard::output>,
              conv2d<32, 32, window<1>, shard::output>>;
};

constexpr double time_limit = 0.6;

std::vector<float> images() {
    const std::int64_t extents[] = {1, 3, 16, 8};
    return io::seeded_values<float>("input", extents);
}

/// What forward says on this rank while `silent` sleeps.
std::string words_of(network<net>& n, int silent) {
    MPI_Barrier(MPI_COMM_WORLD);
    std::string words;
    if (n.rank() == silent) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1900));
    } else {
        const auto began = clock_type::now();
        try {
            n.forward(images());
        } catch (const error& e) {
            CHECK(e.kind() == fault::no_progress);
            words = e.what();
        }
        const double seconds = std::chrono::duration<double>(clock_type::now() - began).count();
        CHECK(seconds >= time_limit);
        CHECK(seconds <= time_limit + 1);
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
            network<net> n(MPI_COMM_WORLD, {.deadline = time_limit, .team = teaming::off});
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
    for (const auto how : {teaming::claim, teaming::fixed}) {
        const int silent = ranks - 1;
        network<net> n(MPI_COMM_WORLD, {.deadline = time_limit, .team = how});
        load_seeded(n);
        const auto words = words_of(n, silent);
        if (n.rank() == silent) continue;
        matches(words, "mpar: rank \\d, step \\d \\(.*\\): nothing from rank " +
                           std::to_string(silent) + " for 0.6 s");
        CHECK(n.comm().is_broken());
    }
}

TEST_CASE("one member of a team fails: the others, who wait for it, throw the same") {
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ranks < 4) return;  // two teams of two
    network<net> n(MPI_COMM_WORLD, {.deadline = time_limit, .team_size = 2});
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
    } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(1900));
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

TEST_CASE("a rank that does not come to load") {
    network<net> n(MPI_COMM_WORLD, {.deadline = time_limit});
    MPI_Barrier(MPI_COMM_WORLD);
    if (n.rank() == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1900));
    } else {
        try {
            load_seeded(n);
            FAIL_CHECK("loaded without rank 0");
        } catch (const error& e) {
            CHECK(e.kind() == fault::no_progress);
            matches(e.what(), "mpar: rank \\d, .*: nothing from .*");
        }
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

TEST_CASE("a rank that comes late but in time is waited for") {
    network<net> n(MPI_COMM_WORLD, {.deadline = 3});
    load_seeded(n);
    for (int late = 0; late < n.ranks(); ++late) {
        if (n.rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds(700));
        CHECK_NOTHROW(n.forward(images()));
    }
    CHECK_FALSE(n.comm().is_broken());
}

TEST_CASE("a network that gave up does so again at once or by its deadline, and can be destroyed") {
    network<net> n(MPI_COMM_WORLD, {.deadline = time_limit});
    load_seeded(n);
    const auto words = words_of(n, n.ranks() - 1);
    if (n.rank() != n.ranks() - 1) {
        CHECK(!words.empty());
        CHECK_THROWS_AS(n.forward(images()), error);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}
