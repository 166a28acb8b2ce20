// SPDX-License-Identifier: MIT
#include <mpar/matmul/words.hpp>

#include <mpar/matmul/choose.hpp>

#include <support/catch.hpp>

using namespace mpar::matmul;

namespace {

constexpr sizes squares{2048, 2048, 2048}, flat{64, 4096, 4096};

const algorithm named[] = {algorithm::column, algorithm::row, algorithm::summa, algorithm::cannon,
                           algorithm::grid3d};

bool can(algorithm a, int ranks) { return !candidates({1, 1, 1}, a, ranks).empty(); }

}  // namespace

TEST_CASE("automatic moves at most 1.01 times what it must on 2 to 64 ranks") {
    for (const sizes s : {squares, flat, sizes{512, 512, 512}, sizes{4096, 64, 4096},
                          sizes{1000, 3000, 500}, sizes{1, 4096, 4096}}) {
        for (int ranks = 2; ranks <= 64; ++ranks) {
            CAPTURE(s.m, s.n, s.k, ranks);
            const plan p = choose(s, algorithm::automatic, ranks);
            REQUIRE(p.how != algorithm::automatic);
            REQUIRE(p.ranks.ranks() == ranks);
            REQUIRE(double(words_of(p)) <= 1.01 * lower_bound_words(s, ranks));
        }
    }
}

TEST_CASE("no plan goes below the bound, and each word sent is received") {
    for (const sizes s : {squares, flat, sizes{333, 777, 555}, sizes{70, 65, 67}}) {
        for (int ranks = 1; ranks <= 64; ++ranks) {
            for (const algorithm a : named) {
                if (!can(a, ranks)) continue;
                const plan p = choose(s, a, ranks);
                CAPTURE(s.m, s.n, s.k, ranks, name_of(a), p.ranks.p, p.ranks.q, p.ranks.r);
                REQUIRE(double(words_of(p)) >= least_words(s, p.ranks) * (1 - 1e-12));
                REQUIRE(double(words_of(p)) >= lower_bound_words(s, ranks) * (1 - 1e-12));
                mpar::traffic all;
                for (int rank = 0; rank < ranks; ++rank)
                    all += predicted(p, place_of(p.ranks, rank));
                // the mean is the least to the word
                REQUIRE(double(all.bytes_received) ==
                        Approx(least_words(s, p.ranks) * ranks).epsilon(1e-12));
                REQUIRE(all.bytes_sent == all.bytes_received);
                REQUIRE(all.messages_sent == all.messages_received);
            }
        }
    }
}

TEST_CASE("a schedule's words are those of the areas") {
    for (const sizes s :
         {sizes{7, 5, 3}, sizes{0, 4, 9}, sizes{9, 0, 4}, sizes{4, 9, 0}, sizes{1, 1, 1},
          sizes{1, 40, 3}, sizes{50, 50, 50}, sizes{2, 3000, 2000}}) {
        for (int ranks = 1; ranks <= 27; ++ranks) {
            for (const algorithm a : named) {
                for (const plan& p : candidates(s, a, ranks)) {
                    CAPTURE(s.m, s.n, s.k, name_of(a), p.ranks.p, p.ranks.q, p.ranks.r);
                    long sent = 0, received = 0;
                    for (int rank = 0; rank < ranks; ++rank) {
                        const place at = place_of(p.ranks, rank);
                        const auto t = predicted(p, at);
                        REQUIRE(t.bytes_received == words_received(p, at));
                        sent += t.bytes_sent;
                        received += t.bytes_received;
                    }
                    REQUIRE(sent == received);
                }
            }
        }
    }
}

TEST_CASE("known sums") {
    constexpr plan cube{squares, algorithm::grid3d, {2, 2, 2}};
    static_assert(words_of(cube) == 3 * 1024 * 1024 / 2);
    static_assert(words_of({squares, algorithm::summa, {2, 2, 1}}) == 2 * 1024 * 1024);
    static_assert(words_of({squares, algorithm::column, {1, 2, 1}}) == 2048 * 1024);
    static_assert(words_of({squares, algorithm::row, {1, 1, 2}}) == 2048 * 1024);
    static_assert(words_of({flat, algorithm::column, {1, 2, 1}}) == 64 * 2048);
    REQUIRE(lower_bound_words(squares, 8) == 3.0 * 1024 * 1024 / 2);
    REQUIRE(lower_bound_words(squares, 1) == 0);
    REQUIRE(grids_of(64).size() == 28);
    REQUIRE(grids_of(7).size() == 3);
}

TEST_CASE("every element has one owner") {
    for (const sizes s : {sizes{7, 5, 3}, sizes{20, 31, 17}}) {
        for (const grid& g : grids_of(12)) {
            const plan p{s, algorithm::grid3d, g};
            std::vector<int> a(std::size_t(s.m * s.k)), b(std::size_t(s.k * s.n)),
                c(std::size_t(s.m * s.n));
            const auto mark = [](const area& x, std::vector<int>& owners, int stride) {
                for (int i = x.rows.lo; i < x.rows.hi; ++i) {
                    for (int j = x.columns.lo; j < x.columns.hi; ++j)
                        ++owners[std::size_t(i * stride + j)];
                }
            };
            for (int rank = 0; rank < 12; ++rank) {
                const place at = place_of(g, rank);
                REQUIRE(rank_of(g, at) == rank);
                mark(owned_a(p, at), a, s.k);
                mark(owned_b(p, at), b, s.n);
                mark(owned_c(p, at), c, s.n);
            }
            for (const auto* owners : {&a, &b, &c}) {
                REQUIRE(std::ranges::all_of(*owners, [](int n) { return n == 1; }));
            }
        }
    }
}
