// SPDX-License-Identifier: MIT
// A rank that stays away: the others throw no_progress by their deadline, naming the operation and
// the silent rank, and nothing is written or crashes afterwards.
// ranks: 1 2 3 4
// processors: 1
// sanitize: no
// (what is left behind on purpose when a wait fails is a leak to AddressSanitizer)
#include "support/catch.hpp"
#include "support/pace.hpp"

#include <mpar/comm/agree.hpp>
#include <mpar/comm/all_gather.hpp>
#include <mpar/comm/messages.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

using namespace mpar;
using mpar_test::clock_type;
using mpar_test::seconds_since;

namespace {

/// Half a second, or more where ranks are slow to come.
double time_limit() {
    static const double time = mpar_test::patience_for(
        [] {
            communicator comm(MPI_COMM_WORLD);
            for (int i = 0; i < 10; ++i) all_reduce(comm, 1, MPI_SUM);
        },
        0.5);
    return time;
}

/// The call must throw no_progress after the deadline, and not long after it.
template <class Call>
std::string gives_up(Call call) {
    const auto began = clock_type::now();
    try {
        call();
    } catch (const error& e) {
        CHECK(e.kind() == fault::no_progress);
        const double took = seconds_since(began);
        CHECK(took >= time_limit());
        const auto again = clock_type::now();
        patience nobody{seconds(time_limit())};  // what waiting takes where nothing can come
        while (nobody.goes_on()) {
        }
        CHECK(took <= 4 * seconds_since(again));
        return e.what();
    }
    FAIL_CHECK("the wait ended, after " << seconds_since(began) << " s");
    return "";
}

std::unique_ptr<communicator> world(double deadline = time_limit()) {
    return std::make_unique<communicator>(MPI_COMM_WORLD, seconds(deadline));
}

/// `work` on all ranks but the last, which comes when they have left. requires: two ranks or more.
template <class Work, class Late>
void without_the_last(communicator& comm, Work work, Late late) {
    MPI_Barrier(MPI_COMM_WORLD);
    if (comm.rank() == comm.size() - 1) {
        mpar_test::stay_away();
        late();
    } else {
        work();
        mpar_test::farewell(comm.size() - 1);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/// Fills the stack below the caller and freed memory, as other functions do after an error was
/// caught, and lets MPI go on, for so many turns after `over`: what still belonged to a dead call would be written to now.
template <class Over>
__attribute__((noinline)) bool memory_stays(Over over, int turns) {
    volatile unsigned char frame[32'768];
    for (auto& byte : frame) byte = 0xa5;
    std::vector<std::vector<unsigned char>> heap;
    for (std::size_t i = 0; i < 400; ++i) heap.emplace_back(8 * (1 + i % 8), 0xa5);
    while (turns > 0) {
        if (over()) --turns;
        int flag = 0;
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_SELF, &flag, MPI_STATUS_IGNORE);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    bool stays = true;
    for (const auto& byte : frame) stays = stays && byte == 0xa5;
    for (const auto& block : heap)
        for (const auto byte : block) stays = stays && byte == 0xa5;
    return stays;
}

}  // namespace

TEST_CASE("messages name the operation and the silent rank") {
    auto comm = world();
    const int p = comm->size(), me = comm->rank(), last = p - 1;
    if (p == 1) return;
    std::vector<std::byte> data(std::size_t(4 * p));
    const auto exchange = [&](int with) {
        messages posted(*comm);
        posted.receive(&data[std::size_t(with)], 1, with);
        posted.start();
        posted.wait([] { return std::string("halo of step 7"); });
    };
    without_the_last(
        *comm,
        [&] {
            const auto words = gives_up([&] { exchange(last); });
            CHECK(words.starts_with("mpar: rank " + std::to_string(me) +
                                    ", halo of step 7: nothing from rank " + std::to_string(last) +
                                    " for "));
            CHECK(words.find("for 0 s") == std::string::npos);  // it was half a second
            CHECK(comm->is_broken());
        },
        [] {});
}

TEST_CASE("all silent ranks are named, once each, and none that has come") {
    auto comm = world();
    const int p = comm->size(), me = comm->rank();
    if (p < 3) return;
    MPI_Barrier(MPI_COMM_WORLD);
    std::vector<std::byte> in(8), out(1);
    if (me == 0) {
        messages posted(*comm);
        for (const int q : {2, 1, 2, p - 1}) posted.receive(&in[std::size_t(q)], 1, q);
        posted.start();
        const auto words = gives_up([&] { posted.wait([] { return std::string("test"); }); });
        INFO(words);
        CHECK(words.find(p == 3 ? "nothing from rank 2 for" : "nothing from rank 2, 3 for") !=
              std::string::npos);
    } else if (me == 1) {
        messages posted(*comm);
        posted.send(out.data(), 1, 0);
        posted.start();
        posted.wait([] { return std::string("test"); });
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

TEST_CASE("collectives give up too, and say which they were") {
    if (world()->size() == 1) return;
    const auto check = [](const std::string& name, auto call) {
        auto comm = world();
        without_the_last(
            *comm,
            [&] {
                const auto words = gives_up([&] { call(*comm); });
                CHECK(words.starts_with("mpar: rank " + std::to_string(comm->rank()) + ", " + name +
                                        ": nothing from "));
            },
            [] {});
    };
    check("all-reduce", [](communicator& c) { all_reduce(c, 1, MPI_SUM); });
    check("all-gather", [](communicator& c) { all_gather(c, 1); });
    check("broadcast", [](communicator& c) {
        int value = 0;
        broadcast(c, &value, sizeof value, c.size() - 1);
    });
}

TEST_CASE("after giving up nothing is written any more: the late share finds no dead frame") {
    if (world()->size() == 1) return;
    for (int way = 0; way < 3; ++way) {
        auto comm = world();
        long shares[2] = {};
        const auto call = [&](communicator& c) {
            if (way == 0) shares[0] = all_reduce(c, -1, MPI_MIN);
            if (way == 1) shares[1] = all_gather(c, -1)[0];
            if (way == 2) agree(c, [] { throw error(fault::model, "mpar: bad"); });
        };
        const int late = comm->size() - 1;
        MPI_Request all_are_here = MPI_REQUEST_NULL;
        const auto here = [&] {
            int done = 0;
            MPI_Test(&all_are_here, &done, MPI_STATUS_IGNORE);
            return done != 0;
        };
        MPI_Barrier(MPI_COMM_WORLD);
        if (comm->rank() == late) {
            mpar_test::stay_away();
            try {  // comes late, so that what the others have left behind goes on
                call(*comm);
            } catch (const error&) {
            }
            MPI_Ibarrier(MPI_COMM_WORLD, &all_are_here);
            memory_stays(here, 100);
        } else {
            gives_up([&] { call(*comm); });
            mpar_test::farewell(late);
            MPI_Ibarrier(MPI_COMM_WORLD, &all_are_here);
            CHECK(memory_stays(here, 100));
        }
        MPI_Barrier(MPI_COMM_WORLD);
    }
}

TEST_CASE("a wait that is done in time does not throw, however often it sleeps in between") {
    const double nap = time_limit();
    auto comm = world(5 * nap);
    for (int i = 0; i < 6; ++i) {
        if (comm->rank() == i % comm->size())
            std::this_thread::sleep_for(std::chrono::duration<double>(nap));
        CHECK(all_reduce(*comm, 1, MPI_SUM) == comm->size());
    }
    CHECK_FALSE(comm->is_broken());
}
