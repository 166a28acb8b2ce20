// SPDX-License-Identifier: MIT
// Middles in pieces, between which messages are looked at: what is computed when changes no bit.
// ranks: 1 2 4
#include "support/catch.hpp"
#include "support/effort.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <cstring>

using namespace mpar;

namespace {

struct body {
    using layers = chain<conv2d<32, 32, window<3>>, relu>;
};
/// On 4 ranks a middle still is several pieces. The 7 x 7 window reads more rows of others than the edges
/// before it have, which then must not leave before the middle is there.
struct large {
    using input = image<32, 160, 480>;
    using layers = chain<repeat<3, body>, conv2d<32, 32, window<7, 1, pad<3>>>, repeat<2, body>,
                         conv2d<32, 16, window<1, 1, pad<0>>>>;
};

std::vector<float> output(MPI_Comm comm, const options& o) {
    network<large> net(comm, o);
    load_seeded(net);
    const shape in = net.input_box().extents(), out = net.output_shape();
    std::vector<float> x(std::size_t(in.count())), y(std::size_t(out.count()));
    const box mine = net.input_box();
    std::size_t i = 0;
    for (int c = mine.c.lo; c < mine.c.hi; ++c) {
        for (int h = mine.h.lo; h < mine.h.hi; ++h) {
            for (int w = mine.w.lo; w < mine.w.hi; ++w) {
                x[i++] = float((c * 31 + h * 17 + w * 7) % 101) / 50 - 1;
            }
        }
    }
    for (int again = 0; again < mpar_test::effort(3); ++again) {  // messages come at other moments
        std::fill(y.begin(), y.end(), 0.0f);
        net.forward(dense_view(std::as_const(x).data(), in), dense_view(y.data(), out));
    }
    return y;
}

}  // namespace

TEST_CASE("layers in pieces give one rank's bits") {
    const auto alone = output(MPI_COMM_SELF, {.exact = true});
    const auto alone_fast = output(MPI_COMM_SELF, {});
    int cases = 0;
    for (const bool exact : {false, true}) {
        for (const auto asked : {policy::rows, policy::cols, policy::tiles}) {
            // teams of 2: all members hear from the first one what has come
            for (const auto how : {teaming::off, teaming::claim, teaming::static_}) {
                if (cases++ % (mpar_test::stride() * mpar_test::stride()) != 0) continue;
                const options o{.asked = asked, .exact = exact, .team = how, .team_size = 2};
                CAPTURE(name_of(asked), exact, name_of(how));
                const auto together = output(MPI_COMM_WORLD, o);
                const auto& one = exact ? alone : alone_fast;
                CHECK(std::memcmp(together.data(), one.data(), one.size() * sizeof(float)) == 0);
            }
        }
    }
}

TEST_CASE("pieces are whole tiles, and neither small nor the rest") {
    const operation conv = conv2d<64, 64, window<3, 1, pad<0>>>::describe();
    const operation pool = max_pool<window<3, 1, pad<0>>>::describe();
    constexpr granularity divides{.flops_between_looks = 40'000'000, .pixels_between_looks = 1024};
    const auto first = [&](const operation& o, range rows, int tile) {
        const box middle{{0, 1}, {0, 64}, rows, {0, 192}};
        return detail::first_rows(o, middle, {1, 64, 200, 192}, tile, divides);
    };
    // a row of 192 pixels is 14 million operations: 3 rows are enough, but not 1024 pixels
    CHECK(first(conv, {0, 100}, 0) == range{0, 6});
    CHECK(first(conv, {0, 100}, 4) == range{0, 8});
    CHECK(first(conv, {4, 100}, 4) == range{4, 12});
    CHECK(first(conv, {4, 15}, 4) == range{4, 15});
    // cheap layers are not cut
    CHECK(first(pool, {0, 100}, 0) == range{0, 100});
}

TEST_CASE("who does not say how finely to divide looks after each row") {
    const operation conv = conv2d<64, 64, window<3, 1, pad<0>>>::describe();
    const box middle{{0, 1}, {0, 64}, {3, 100}, {0, 192}};
    CHECK(detail::first_rows(conv, middle, {1, 64, 200, 192}, 0, {}) == range{3, 4});
    CHECK(detail::first_rows(conv, middle, {1, 64, 200, 192}, 4, {}) == range{3, 4});
}
