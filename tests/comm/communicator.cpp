// SPDX-License-Identifier: MIT
// The library on the caller's communicator: one duplicate, freed again; handlers and messages of
// the caller's own left alone; what is said before MPI starts and after it ends.
// ranks: 1 2 3 4
#include "support/catch.hpp"

#include "comm/calls.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <cstdio>
#include <cstring>
#include <memory>

#include <unistd.h>

using namespace mpar;

namespace {

/// Rows, channels and both arms of a residual are exchanged.
struct arm {
    using layers = chain<conv2d<16, 16, window<3>, shard::rows>, batch_norm<16>, relu,
                         conv2d<16, 16, window<5>, shard::rows>>;
};
struct small {
    using input = image<3, 12, 10>;
    using layers = chain<conv2d<3, 16, window<3>, shard::rows>, relu, residual<arm>,
                         conv2d<16, 24, window<3, 2>, shard::output>, relu,
                         conv2d<24, 40, window<1>, shard::output>, global_avg_pool,
                         dense<40, 10, shard::output>>;
};

std::vector<float> images(int batch) {
    const std::int64_t extents[] = {batch, 3, 12, 10};
    return io::seeded_values<float>("input", extents);
}

template <class Call>
std::string words_of(Call call) {
    try {
        call();
    } catch (const error& e) {
        return std::to_string(int(e.kind())) + " " + e.what();
    }
    return "nothing was thrown";
}

void callers_handler(MPI_Comm*, int*, ...) {}

int ranks_of(MPI_Comm comm) {
    int ranks = 0;
    MPI_Comm_size(comm, &ranks);
    return ranks;
}

/// The duplicate that was made last.
MPI_Comm last_dup() {
    REQUIRE(calls::all().dup_of.size() == 1);
    return calls::all().dup_of.begin()->first;
}

/// Reports once main() is over, when no test runs any more.
void must(bool right, const char* what) {
    if (right) return;
    std::fprintf(stderr, "after MPI_Finalize: FAILED: %s\n", what);
    ::_exit(1);
}

/// Lives from before main() until after MPI_Finalize.
struct around_main {
    std::string before;
    std::unique_ptr<communicator> forgotten;
    std::unique_ptr<network<small>> forgotten_network;

    around_main() {
        before = words_of([] { communicator early(MPI_COMM_WORLD); });
    }
    ~around_main() {
        int over = 0;
        MPI_Finalized(&over);
        if (!over || !forgotten) return;
        must(words_of([] { communicator late(MPI_COMM_WORLD); }) ==
                 "6 mpar: MPI_Finalize has been called already",
             "a communicator made too late says so");
        const long frees = calls::all().frees;
        forgotten.reset();
        forgotten_network.reset();
        must(calls::all().frees == frees, "nothing is freed after MPI_Finalize");
    }
} around;

}  // namespace

TEST_CASE("before MPI_Init and after MPI_Finalize one sentence is thrown") {
    CHECK(around.before == "6 mpar: MPI_Init has not been called yet");
    around.forgotten = std::make_unique<communicator>(MPI_COMM_SELF);
    around.forgotten_network = std::make_unique<network<small>>(MPI_COMM_SELF);
}

TEST_CASE("MPI_COMM_NULL is refused") {
    CHECK(words_of([] { communicator none(MPI_COMM_NULL); }) ==
          "6 mpar: the communicator is MPI_COMM_NULL");
}

TEST_CASE("rank, size, deadline and name are the duplicate's") {
    communicator comm(MPI_COMM_WORLD, seconds(7.5));
    int rank = -1, same = MPI_IDENT;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    CHECK(comm.rank() == rank);
    CHECK(comm.size() == ranks_of(MPI_COMM_WORLD));
    CHECK(comm.deadline() == seconds(7.5));
    MPI_Comm_compare(comm.handle(), MPI_COMM_WORLD, &same);
    CHECK(same == MPI_CONGRUENT);
    char name[MPI_MAX_OBJECT_NAME];
    int length = 0;
    MPI_Comm_get_name(comm.handle(), name, &length);
    CHECK(std::string(name, std::size_t(length)) == "mpar");
    CHECK(communicator(MPI_COMM_SELF).deadline() == seconds(300));
}

TEST_CASE("a communicator that was moved from frees nothing") {
    calls::forget();
    {
        communicator first(MPI_COMM_WORLD);
        first.count({.bytes_sent = 5});
        const MPI_Comm handle = first.handle();
        communicator second(std::move(first));
        CHECK(second.handle() == handle);
        CHECK(second.counted() == traffic{.bytes_sent = 5});
        CHECK(second.size() == ranks_of(MPI_COMM_WORLD));
    }
    CHECK(calls::all().dups == 1);
    CHECK(calls::all().frees == 1);
}

TEST_CASE("one duplicate a network, and it is freed: a hundred times") {
    calls::forget();
    for (int i = 0; i < 100; ++i) {
        network<small> net(MPI_COMM_WORLD, {.deadline = 60});
        CHECK(calls::all().dups == i + 1);
        if (i % 10 != 0) continue;
        load_seeded(net);
        net.forward(images(1));
    }
    CHECK(calls::all().dups == 100);
    CHECK(calls::all().frees == 100 + calls::all().splits);
}

TEST_CASE("a constructor that throws frees its duplicate") {
    calls::forget();
    for (int i = 0; i < 100; ++i) {
        CHECK(words_of([] {
                  network<small> net(MPI_COMM_WORLD, {.batch = 0});
              }).starts_with("2 mpar: a batch"));
        CHECK(words_of([] {
                  network<small, mesh<axis::model<64>>> net(MPI_COMM_WORLD);
              }).starts_with("2 mpar: the mesh has 64"));
    }
    CHECK(calls::all().dups == 200);
    CHECK(calls::all().frees == 200);
}

TEST_CASE("nothing goes over the caller's communicator, and what goes over ours was measured") {
    for (const auto asked :
         {std::optional<policy>{}, std::optional(policy::none), std::optional(policy::batch),
          std::optional(policy::rows), std::optional(policy::output)}) {
        INFO("policy " << (asked ? name_of(*asked) : "own"));
        calls::forget();
        {
            network<small> net(MPI_COMM_WORLD,
                               {.batch = 2, .asked = asked, .deadline = 60, .team = teaming::off});
            const MPI_Comm ours = last_dup();
            load_seeded(net);
            CHECK(calls::all().bytes[ours] == 0);
            for (int i = 1; i <= 3; ++i) {
                net.forward(images(2));
                CHECK(calls::all().bytes[ours] == net.measured().bytes_sent);
                CHECK(calls::all().messages[ours] == net.measured().messages_sent);
                CHECK(calls::all().received[ours] == net.measured().bytes_received);
                CHECK(calls::all().receives[ours] == net.measured().messages_received);
                CHECK(net.measured().bytes_sent == i * net.predicted().bytes_sent);
            }
            long sent = calls::all().bytes[ours], expected = net.measured().bytes_received;
            PMPI_Allreduce(MPI_IN_PLACE, &sent, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
            PMPI_Allreduce(MPI_IN_PLACE, &expected, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
            CHECK(sent == expected);
            if (net.ranks() > 1 && !asked) CHECK(sent > 0);
            if (net.ranks() == 1) CHECK(sent == 0);
        }
        CHECK(calls::all().on[MPI_COMM_WORLD] == 1);  // the duplication
        CHECK(calls::all().on[MPI_COMM_SELF] == 0);
        CHECK(calls::all().on.size() == 3);
        CHECK(calls::all().handlers == 0);
    }
}

TEST_CASE("teams talk over communicators that stem from ours, and free them") {
    for (const auto how : {teaming::claim, teaming::static_}) {
        calls::forget();
        {
            network<small> net(MPI_COMM_WORLD,
                               {.batch = 2, .deadline = 60, .team = how, .team_size = 2});
            load_seeded(net);
            net.forward(images(2));
            long sent = 0;
            for (const auto& [comm, bytes] : calls::all().bytes) sent += bytes;
            CHECK(sent == net.measured().bytes_sent);
            CHECK(sent == net.predicted().bytes_sent);
        }
        CHECK(calls::all().on[MPI_COMM_WORLD] == 1);  // the duplication
        CHECK(calls::all().handlers == 0);
        CHECK(calls::all().frees == calls::all().dups + calls::all().splits);
    }
}

TEST_CASE("the caller's error handlers stay, on its communicator and on MPI_COMM_WORLD") {
    MPI_Errhandler mine = MPI_ERRHANDLER_NULL;
    MPI_Comm_create_errhandler(callers_handler, &mine);
    MPI_Comm given = MPI_COMM_NULL;
    MPI_Comm_dup(MPI_COMM_WORLD, &given);
    MPI_Comm_set_errhandler(given, mine);
    MPI_Errhandler world = MPI_ERRHANDLER_NULL, after = MPI_ERRHANDLER_NULL;
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &world);
    {
        network<small> net(given, {.deadline = 60});
        load_seeded(net);
        net.forward(images(1));
        MPI_Errhandler ours = MPI_ERRHANDLER_NULL;
        MPI_Comm_get_errhandler(net.comm().handle(), &ours);
        CHECK(ours == MPI_ERRORS_RETURN);
        MPI_Errhandler_free(&ours);
    }
    MPI_Comm_get_errhandler(given, &after);
    CHECK(after == mine);
    MPI_Errhandler_free(&after);
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &after);
    CHECK(after == world);
    MPI_Errhandler_free(&after);
    MPI_Errhandler_free(&world);
    MPI_Comm_free(&given);
    MPI_Errhandler_free(&mine);
}

TEST_CASE("errors of MPI are thrown with MPI's words, whatever the caller's handler is") {
    communicator comm(MPI_COMM_WORLD);  // whose handler ends the job
    messages posted(comm);
    std::byte byte{};
    const auto words = words_of([&] { posted.send(&byte, 1, comm.size() + 3); });
    INFO(words);
    CHECK(words.starts_with("6 mpar: MPI_Send_init: "));
    CHECK(words.find("rank") != std::string::npos);
}

TEST_CASE("messages of the caller's own pass through, also with our tag and on all its ranks") {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const int ranks = ranks_of(MPI_COMM_WORLD), next = (rank + 1) % ranks;
    std::vector<int> sent(8, rank), got(8, -1);
    std::vector<MPI_Request> requests(16);
    for (int tag = 0; tag < 8; ++tag)
        MPI_Isend(&sent[std::size_t(tag)], 1, MPI_INT, next, tag, MPI_COMM_WORLD,
                  &requests[std::size_t(tag)]);
    network<small> net(MPI_COMM_WORLD, {.deadline = 60}), alone(MPI_COMM_SELF);
    load_seeded(net);
    load_seeded(alone);
    CHECK(net.forward(images(1)) == alone.forward(images(1)));
    for (int tag = 0; tag < 8; ++tag)
        MPI_Irecv(&got[std::size_t(tag)], 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
                  &requests[std::size_t(8 + tag)]);
    MPI_Waitall(16, requests.data(), MPI_STATUSES_IGNORE);
    CHECK(got == std::vector<int>(8, (rank + ranks - 1) % ranks));
}

TEST_CASE("split communicators: two networks at a time, and ranks in reverse order") {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    network<small> alone(MPI_COMM_SELF);
    load_seeded(alone);
    const auto answer = alone.forward(images(1));
    for (const int colours : {1, 2, 3}) {
        MPI_Comm part = MPI_COMM_NULL;
        MPI_Comm_split(MPI_COMM_WORLD, rank % colours, -rank, &part);
        {
            network<small> net(part, {.deadline = 60});
            CHECK(net.ranks() == ranks_of(part));
            load_seeded(net);
            for (int i = 0; i <= rank % colours; ++i) CHECK(net.forward(images(1)) == answer);
        }
        MPI_Comm_free(&part);
    }
}
