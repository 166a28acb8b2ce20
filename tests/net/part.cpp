// SPDX-License-Identifier: MIT
// Each rank's part of a plan, worked out for all ranks at once: what one sends is what the other
// expects, and no two live tensors share memory. (That all is there when it is read: schedule.cpp.)
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/random_graph.hpp"

#include <mpar/kernels/cpu/winograd/division.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/place/partition.hpp>
#include <mpar/net/plan/static_plan.hpp>

#include <set>
#include <tuple>

using namespace mpar;

namespace {

shape with_batch(shape s, int n) {
    s.n = n;
    return s;
}

/// Its channels and no more, in memory that is the home's own and holds the same rows and columns.
bool lies_at_home(const plan& p, const part& mine, std::size_t t) {
    const auto& a = mine.tensors[t];
    const auto& home = mine.tensors[std::size_t(a.home)];
    const int count = p.tensors[t].extents.c;
    box at = a.held;
    at.c = {at.c.lo + a.home_channel, at.c.hi + a.home_channel};
    const bool whole_blocks = a.home_channel % mine.of.block == 0 &&
                              (count % mine.of.block == 0 ||
                               a.home_channel + count == p.tensors[std::size_t(a.home)].extents.c);
    return home.home < 0 && home.is_home && home.held.contains(at) && at.h == home.held.h &&
           at.w == home.held.w && at.n == home.held.n && whole_blocks && a.bytes == 0;
}

/// From the first writer to the last reader, of all that lie in it too.
std::pair<int, int> life_of(const plan& p, const part& mine, std::size_t t) {
    std::pair life(p.tensors[t].producer, p.tensors[t].last_reader);
    for (std::size_t u = 0; u < p.tensors.size(); ++u) {
        if (mine.tensors[u].home != int(t)) continue;
        life.first = std::min(life.first, p.tensors[u].producer);
        life.second = std::max(life.second, p.tensors[u].last_reader);
    }
    return life;
}

/// What steps write to one home is apart. Joined and taken channels lie there without being written.
void check_arms_are_apart(const plan& p, const part& mine) {
    const auto channels = [&](std::size_t t) {
        const int from = mine.tensors[t].home_channel;
        return range{from, from + p.tensors[t].extents.c};
    };
    const auto is_written = [&](std::size_t t) {
        const int i = p.tensors[t].producer;
        return i < 0 || !mine.steps[std::size_t(i)].in_place;
    };
    for (std::size_t t = 0; t < p.tensors.size(); ++t) {
        for (std::size_t u = 0; u < t; ++u) {
            const auto &a = mine.tensors[t], &b = mine.tensors[u];
            if (a.home < 0 || a.home != b.home || !is_written(t) || !is_written(u)) continue;
            CHECK(intersection(channels(t), channels(u)).empty());
        }
    }
}

void check_memory(const plan& p, const part& mine) {
    for (std::size_t t = 0; t < p.tensors.size(); ++t) {
        const auto& a = mine.tensors[t];
        if (a.home >= 0) {
            CHECK(lies_at_home(p, mine, t));
            continue;
        }
        CHECK(a.offset + a.bytes <= mine.arena_bytes);
        CHECK(a.offset % 128 == 0);
        for (std::size_t u = 0; u < t; ++u) {
            const auto& b = mine.tensors[u];
            const auto [first, last] = life_of(p, mine, t);
            const auto [begin, end] = life_of(p, mine, u);
            const bool both_live = first <= end && begin <= last;
            const bool apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
            // A sum may lie where its residual did, which no one reads any more.
            const int step = p.tensors[t].producer;
            const bool replaces = step >= 0 && p.steps[std::size_t(step)].replaceable() == int(u) &&
                                  p.tensors[u].last_reader == step && a.offset == b.offset &&
                                  a.held == b.held && !b.is_home;
            if (both_live && a.bytes && b.bytes) CHECK((apart || replaces));
        }
    }
}

/// (sender, receiver, tensor, step, box) of all messages as the senders see them, or the receivers.
using key = std::tuple<int, int, int, int, int, int, int, int, int, int, int, int>;

std::multiset<key> messages_of(const std::vector<part>& parts, bool sent) {
    std::multiset<key> all;
    for (const auto& mine : parts) {
        const int me = mine.of.who.rank;
        for (const auto& e : mine.exchanges) {
            for (const auto& m : sent ? e.sends : e.receives) {
                all.insert({sent ? me : m.peer, sent ? m.peer : me, e.tensor, e.before_step,
                            m.what.n.lo, m.what.n.hi, m.what.c.lo, m.what.c.hi, m.what.h.lo,
                            m.what.h.hi, m.what.w.lo, m.what.w.hi});
            }
        }
    }
    return all;
}

/// What is computed while a halo travels reads only what this rank has, and is what no message takes.
/// returns: how many exchanges travel under work.
int check_overlaps(const plan& p, const part& mine) {
    const geometry all(p, mine.of);
    int found = 0;
    for (const auto& e : mine.exchanges) {
        if (!e.overlapped) continue;
        ++found;
        const auto t = std::size_t(e.tensor);
        const step& reader = p.steps[std::size_t(e.before_step)];
        const auto& waits = mine.steps[std::size_t(e.before_step)];
        const box image = whole(with_batch(p.tensors[t].extents, mine.of.batch));
        CHECK(waits.y.contains(waits.early));
        CHECK(mine.tensors[t].owned.contains(
            intersection(all.read_x(reader, waits.early, mine.of.who.rank), image)));
        const box& late = mine.steps[std::size_t(p.tensors[t].producer)].late;
        for (const auto& m : e.sends) CHECK(intersection(m.what, late).empty());
    }
    return found;
}

/// Tiles that differ from layer to layer, of strides and windows that no kernel has too.
int any_tile(const convolution& c, const shape&) { return c.groups > 1 ? 0 : 2 * (c.out % 3); }

void check_all_ranks(const plan& p, int ranks, int batch, int block, dtype element,
                     int (*tiles)(const convolution&, const shape&) = no_winograd) {
    std::vector<part> parts;
    for (int r = 0; r < ranks; ++r) {
        setting s{{r, ranks}, batch, block, element};
        s.winograd_tile = tiles;
        parts.push_back(partition(p, s));
    }
    CHECK(messages_of(parts, true) == messages_of(parts, false));
    for (const auto& mine : parts) {
        check_memory(p, mine);
        check_arms_are_apart(p, mine);
        check_overlaps(p, mine);
        traffic sum;
        for (const auto& s : mine.steps) sum += s.before;
        CHECK(sum == mine.predicted);
        if (ranks == 1) CHECK(mine.predicted == traffic{});
    }
}

}  // namespace

TEST_CASE("parts of random nets fit together on any number of ranks") {
    for (unsigned seed = 0; seed < unsigned(mpar_test::effort(60)); ++seed) {
        const mpar_test::random_graph net(seed, seed % 2);
        for (const auto asked :
             {std::optional<policy>{}, std::optional(policy::rows), std::optional(policy::output),
              std::optional(policy::batch), std::optional(policy::none),
              std::optional(policy::cols), std::optional(policy::tiles),
              std::optional(policy::input), std::optional(policy::grid)}) {
            const lowered l = net.lower(asked);
            INFO("seed " << seed << ": " << net.text() << sentence(l.wrong));
            REQUIRE_FALSE(l.wrong);
            const int ranks = 1 + int(seed % 8);
            check_all_ranks(l.view(), ranks, 1 + int(seed % 3), seed % 2 ? 1 : 8, dtype::f32);
            check_all_ranks(l.view(), ranks, 1, 8, seed % 2 ? dtype::f64 : dtype::bf16, any_tile);
        }
    }
}

TEST_CASE("elements of another size: as many, but summands of 16 bits are kept in 32") {
    for (unsigned seed = 0; seed < unsigned(mpar_test::effort(20)); ++seed) {
        const mpar_test::random_graph net(seed + 700, true);
        for (const auto asked : {policy::rows, policy::output, policy::input}) {
            const lowered l = net.lower(asked);
            const plan& p = l.view();
            INFO("seed " << seed << ", " << name_of(asked) << ": " << net.text());
            const auto part_in = [&](dtype element) {
                return partition(p, setting{{1, 3}, 2, 8, element});
            };
            const part usual = part_in(dtype::f32), wide = part_in(dtype::f64),
                       narrow = part_in(dtype::f16);
            CHECK(wide.predicted.bytes_received == 2 * usual.predicted.bytes_received);
            CHECK(wide.predicted.messages_sent == usual.predicted.messages_sent);
            long received = 0;  // of narrow elements
            for (const auto& e : usual.exchanges) {
                const bool sums = !p.tensors[std::size_t(e.tensor)].where.partial.empty();
                for (const auto& m : e.receives) {
                    received += message_bytes(m.what, usual.of) / (sums ? 1 : 2);
                }
            }
            CHECK(narrow.predicted.bytes_received == received);
            for (std::size_t t = 0; t < p.tensors.size(); ++t) {
                const bool sums = !p.tensors[t].where.partial.empty();
                CHECK(narrow.tensors[t].element == (sums ? dtype::f32 : dtype::f16));
                CHECK(wide.tensors[t].bytes == 2 * usual.tensors[t].bytes);
                CHECK(narrow.tensors[t].bytes * (sums ? 1 : 2) == usual.tensors[t].bytes);
            }
        }
    }
}

TEST_CASE("halos travel under work along rows, columns and both") {
    for (const auto asked : {policy::rows, policy::cols, policy::tiles}) {
        const lowered l = lower(graph_of<resnet50>, resnet50::input::extents, policy::none, asked);
        for (int r = 0; r < 4; ++r) {
            const part mine = partition(l.view(), {{r, 4}, 1, 16, dtype::f32});
            INFO(name_of(asked) << ", rank " << r);
            CHECK(check_overlaps(l.view(), mine) >= 5);
        }
    }
}

TEST_CASE("a rank may own nothing: 7 rows on 8 ranks") {
    const lowered l =
        lower(graph_of<resnet50>, resnet50::input::extents, policy::none, policy::rows);
    std::vector<int> rows;
    for (int r = 0; r < 8; ++r) {
        const part mine = partition(l.view(), {{r, 8}, 1, 8, dtype::f32});
        rows.push_back(mine.steps[mine.steps.size() - 5].y.h.size());
    }
    CHECK(rows == std::vector{1, 1, 1, 1, 1, 1, 1, 0});
}

TEST_CASE("bytes of a static mesh are constants") {
    constexpr traffic none = partition(plan_of<resnet18>, {{0, 1}, 1, 8, dtype::f32}).predicted;
    STATIC_REQUIRE(none == traffic{});
    constexpr traffic two = partition(plan_of<resnet18>, {{0, 2}, 1, 8, dtype::f32}).predicted;
    STATIC_REQUIRE(two.bytes_received > 0);
}

TEST_CASE(
    "rows move at most 0.55 MB per rank through ResNet-50 on 4 ranks, output at most 33.5 MB") {
    for (const auto tiles : {&no_winograd, &cpu::winograd_tile<float>}) {
        for (const auto& [asked, limit] :
             {std::pair(policy::rows, 550'000L), std::pair(policy::output, 33'500'000L)}) {
            const lowered l =
                lower(graph_of<resnet50>, resnet50::input::extents, policy::none, asked);
            for (int r = 0; r < 4; ++r) {
                setting on{{r, 4}, 1, 16, dtype::f32};
                on.winograd_tile = tiles;
                const part mine = partition(l.view(), on);
                CHECK(mine.predicted.bytes_received <= limit);
                CHECK(mine.predicted.bytes_sent <= limit);
            }
        }
    }
}
