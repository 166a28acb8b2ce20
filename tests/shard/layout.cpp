// SPDX-License-Identifier: MIT
// How a dimension is cut over ranks: covered once, in order, evenly, in whole grains, and aligned
// where a layer halves it.
#include "support/catch.hpp"

#include <mpar/shard/layout.hpp>

#include <vector>

using namespace mpar;

namespace {

std::vector<range> cuts(int extent, int ranks, int grain) {
    std::vector<range> parts;
    for (int r = 0; r < ranks; ++r) parts.push_back(cut(extent, {r, ranks}, grain));
    return parts;
}

/// Extents small and odd, and those of known networks; ranks up to 70.
template <class Visit>
void each_extent(Visit visit) {
    for (int extent = 0; extent <= 40; ++extent) visit(extent);
    for (const int extent : {56, 57, 63, 64, 112, 127, 224, 225, 512, 1000, 2048, 2'000'000'000})
        visit(extent);
}

static_assert(cut(7, {0, 4}) == range{0, 2} && cut(7, {3, 4}) == range{6, 7});
static_assert(cut(10, {0, 1}) == range{0, 10});
static_assert(owned(layout::shard_h, {2, 3, 7, 5}, {1, 4}) == box{{0, 2}, {0, 3}, {2, 4}, {0, 5}});

}  // namespace

TEST_CASE("parts cover the extent in order, without hole or overlap") {
    each_extent([](int extent) {
        for (int ranks = 1; ranks <= 70; ++ranks) {
            for (const int grain : {1, 4, 8, 16}) {
                if (grain > 1 && extent > 1'000'000'000) continue;
                int at = 0;
                bool right = true;
                for (const range part : cuts(extent, ranks, grain)) {
                    right = right && part.lo == at && part.hi >= part.lo && part.hi <= extent;
                    at = part.hi;
                }
                if (!right || at != extent)
                    FAIL_CHECK(extent << " over " << ranks << " in grains of " << grain);
            }
        }
    });
}

TEST_CASE("parts differ by at most one grain and begin at a grain") {
    each_extent([](int extent) {
        for (int ranks = 1; ranks <= 70; ++ranks) {
            for (const int grain : {1, 4, 8, 16}) {
                if (extent > 1'000'000'000) continue;
                int least = extent, most = 0;
                bool right = true;
                for (const range part : cuts(extent, ranks, grain)) {
                    const int units = (part.size() + grain - 1) / grain;
                    least = std::min(least, units);
                    most = std::max(most, units);
                    right = right && (part.lo % grain == 0 || part.empty()) &&
                            (part.hi % grain == 0 || part.hi == extent);
                }
                if (!right || most - least > 1)
                    FAIL_CHECK(extent << " over " << ranks << " in grains of " << grain);
            }
        }
    });
}

TEST_CASE("more ranks than rows: each row has one owner, the others have nothing") {
    for (int extent = 0; extent <= 20; ++extent) {
        for (int ranks = extent + 1; ranks <= 70; ++ranks) {
            int owners = 0;
            for (const range part : cuts(extent, ranks, 1)) {
                owners += part.size();
                CHECK(part.size() <= 1);
            }
            CHECK(owners == extent);
        }
    }
}

TEST_CASE("halved rows: a 1x1 window of stride 2 reads its own rows, a 3x3 one row beyond") {
    for (int rows = 2; rows <= 300; rows += 2) {
        for (int ranks = 1; ranks <= 70; ++ranks) {
            const auto in = cuts(rows, ranks, 1), out = cuts(rows / 2, ranks, 1);
            bool right = true;
            for (std::size_t r = 0; r < in.size(); ++r) {
                if (out[r].empty()) continue;
                const range one{2 * out[r].lo, 2 * (out[r].hi - 1) + 1};
                const range three{one.lo - 1, one.hi + 1};
                right = right && in[r].contains(one) &&
                        range{in[r].lo - 1, in[r].hi + 1}.contains(three);
            }
            if (!right) FAIL_CHECK(rows << " rows over " << ranks);
        }
    }
}

TEST_CASE("owned() cuts the dimension of the layout and no other") {
    const shape s{5, 40, 7, 6};
    for (int ranks = 1; ranks <= 9; ++ranks) {
        long n = 0, c = 0, h = 0;
        for (int r = 0; r < ranks; ++r) {
            const seat who{r, ranks};
            const box all = whole(s);
            CHECK(owned(layout::replicate, s, who, {.c = 8}) == all);
            const box by_n = owned(layout::shard_n, s, who, {.c = 8}),
                      by_c = owned(layout::shard_c, s, who, {.c = 8}),
                      by_h = owned(layout::shard_h, s, who, {.c = 8});
            CHECK(by_n == box{cut(5, who), all.c, all.h, all.w});
            CHECK(by_c == box{all.n, cut(40, who, 8), all.h, all.w});
            CHECK(by_h == box{all.n, all.c, cut(7, who), all.w});
            CHECK(by_c.c.lo % 8 == 0);
            n += by_n.count(), c += by_c.count(), h += by_h.count();
        }
        CHECK((n == s.count() && c == s.count() && h == s.count()));
    }
}

TEST_CASE("names of layouts") {
    CHECK(name_of(layout::replicate) == "replicate");
    CHECK(name_of(layout::shard_n) == "shard<N>");
    CHECK(name_of(layout::shard_c) == "shard<C>");
    CHECK(name_of(layout::shard_h) == "shard<H>");
}
