// SPDX-License-Identifier: MIT
// ranks: 1 2 3 4 6 8
#include <mpar/matmul/product.hpp>

#include <mpar/matmul/choose.hpp>

#include "comm/calls.hpp"
#include "matmul/numbers.hpp"

#include <support/catch.hpp>

using namespace mpar::matmul;
using namespace matmul_test;

namespace {

const algorithm all[] = {algorithm::column, algorithm::row,    algorithm::summa,
                         algorithm::cannon, algorithm::grid3d, algorithm::automatic};

/// Runs the product twice and compares it with the triple loop, its words with the prediction.
template <class T>
void multiply(mpar::communicator& comm, const plan& p, long gap) {
    const place at = place_of(p.ranks, comm.rank());
    CAPTURE(p.of.m, p.of.n, p.of.k, name_of(p.how), p.ranks.p, p.ranks.q, p.ranks.r, comm.rank());
    block<T> a(owned_a(p, at), gap), b(owned_b(p, at), gap), c(owned_c(p, at), gap);
    set(a.view(), a.where, element_a);
    set(b.view(), b.where, element_b);
    product<T> multiply(comm, p, a.seen(), b.seen(), c.view());
    const auto words = predicted(p, at);
    const long size = sizeof(T);
    for (int round = 0; round < 2; ++round) {
        set(c.view(), c.where, [](int, int) { return -1; });
        const auto before = comm.counted();
        calls::forget_counts(comm.handle());
        multiply.run();
        REQUIRE(wrong(c.view(), c.where, p.of.k) == 0);
        const auto now = comm.counted();
        REQUIRE(now.bytes_received - before.bytes_received == size * words.bytes_received);
        REQUIRE(now.bytes_sent - before.bytes_sent == size * words.bytes_sent);
        REQUIRE(now.messages_received - before.messages_received == words.messages_received);
        REQUIRE(now.messages_sent - before.messages_sent == words.messages_sent);
        REQUIRE(calls::all().received[comm.handle()] == size * words.bytes_received);
        REQUIRE(calls::all().bytes[comm.handle()] == size * words.bytes_sent);
        REQUIRE(calls::all().receives[comm.handle()] == words.messages_received);
        REQUIRE(calls::all().messages[comm.handle()] == words.messages_sent);
    }
    for (long i = 0; gap && i < c.view().rows; ++i) {
        REQUIRE(c.values[std::size_t((i + 1) * c.stride - 1)] == T(-99));
    }
    REQUIRE(words.bytes_received == words_received(p, at));
}

}  // namespace

TEST_CASE("every algorithm and grid is the triple loop, and moves what is predicted") {
    mpar::communicator comm(MPI_COMM_WORLD);
    for (const sizes s :
         {sizes{40, 56, 64}, sizes{37, 53, 71}, sizes{3, 2, 5}, sizes{1, 70, 33}, sizes{70, 1, 9},
          sizes{1, 1, 130}, sizes{0, 3, 4}, sizes{3, 0, 4}, sizes{3, 4, 0}}) {
        for (const algorithm how : all) {
            for (const plan& p : candidates(s, how, comm.size())) {
                multiply<float>(comm, p, 0);
                multiply<float>(comm, p, 3);
            }
        }
    }
}

TEST_CASE("several panels of each owner") {
    mpar::communicator comm(MPI_COMM_WORLD);
    for (const algorithm how : all) {
        const sizes s{45, 51, 2100};
        if (how == algorithm::cannon && candidates(s, how, comm.size()).empty()) continue;
        multiply<double>(comm, choose(s, how, comm.size()), 1);
        multiply<float>(comm, choose({64, 200, 1300}, how, comm.size()), 0);
    }
}

TEST_CASE("blocks of another size are refused on every rank") {
    mpar::communicator comm(MPI_COMM_WORLD);
    const plan p = choose({40, 56, 64}, algorithm::column, comm.size());
    const place at = place_of(p.ranks, comm.rank());
    block<float> a(owned_a(p, at), 0), b(owned_b(p, at), 0), c(owned_c(p, at), 0);
    auto narrow = c.view();
    if (comm.rank() == comm.size() - 1) --narrow.columns;
    REQUIRE_THROWS_WITH((product<float>(comm, p, a.seen(), b.seen(), narrow)),
                        Catch::Matchers::ContainsSubstring("a rank's block of C is 40 x "));
    const plan other = choose({40, 56, 64}, algorithm::row, comm.size() + 1);
    REQUIRE_THROWS_WITH(
        (product<float>(comm, other, a.seen(), b.seen(), c.view())),
        Catch::Matchers::ContainsSubstring("is planned for " + std::to_string(comm.size() + 1)));
}
