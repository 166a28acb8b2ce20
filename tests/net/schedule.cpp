// SPDX-License-Identifier: MIT
// A rank's actions replayed on marks in place of numbers: what a kernel reads is there, what a
// message takes is complete, and all of the output is computed once, whenever messages come.
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/random_graph.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/place/partition.hpp>
#include <mpar/net/place/schedule.hpp>
#include <mpar/net/plan/static_plan.hpp>

#include <map>
#include <vector>

using namespace mpar;

namespace {

/// Which elements of a rank's memory have been written.
class marks {
public:
    explicit marks(const box& all) : all_(all), here_(std::size_t(all.count())) {}

    /// returns: whether nothing was there before.
    bool write(const box& b) {
        bool is_new = all_.contains(b) || b.empty();
        each(b, [&](unsigned char& here) {
            is_new = is_new && !here;
            here = 1;
        });
        return is_new;
    }
    bool holds(const box& b) {
        bool all = all_.contains(b) || b.empty();
        each(b, [&](unsigned char& here) { all = all && here; });
        return all;
    }

private:
    template <class Visit>
    void each(const box& b, Visit visit) {
        const box part = intersection(b, all_);
        const auto at = [](const range& all, int i) { return long(i) - all.lo; };
        for (int n = part.n.lo; n < part.n.hi; ++n)
            for (int c = part.c.lo; c < part.c.hi; ++c)
                for (int h = part.h.lo; h < part.h.hi; ++h)
                    for (int w = part.w.lo; w < part.w.hi; ++w)
                        visit(here_[std::size_t(
                            ((at(all_.n, n) * all_.c.size() + at(all_.c, c)) * all_.h.size() +
                             at(all_.h, h)) *
                                all_.w.size() +
                            at(all_.w, w))]);
    }

    box all_;
    std::vector<unsigned char> here_;
};

/// One rank's forward, in which awaited messages come after `pieces` looks at them.
class replay {
public:
    replay(const plan& p, const part& mine, int pieces)
        : plan_(p), part_(mine), all_(p, mine.of), pieces_(pieces) {
        for (std::size_t t = 0; t < p.tensors.size(); ++t) {
            box held = mine.tensors[t].held;
            if (mine.tensors[t].images) held.n = whole(all_.extents(int(t))).n;
            tensors_.emplace_back(hull(held, mine.tensors[t].owned));
        }
        started_.resize(mine.exchanges.size());
        finished_.resize(mine.exchanges.size());
    }

    void run() {
        const schedule order(plan_, part_);
        for (const action& a : order.all()) {
            INFO("step " << a.step << ", action " << int(a.does));
            perform(a);
        }
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            INFO("step " << i);
            const int y = plan_.steps[i].y;
            if (y >= 0) CHECK(holds(y, part_.steps[i].y));
        }
        for (std::size_t e = 0; e < part_.exchanges.size(); ++e) {
            CHECK(started_[e] == 1);
            CHECK(finished_[e] == 1);
        }
        CHECK(given_ == plan_.outputs());
        CHECK(order.steps().size() + order.results().size() == order.all().size());
    }

private:
    /// Of a box of tensor t: the tensor in whose memory it lies, and the box there.
    marks& home_of(int t, box& b) {
        const auto& m = part_.tensors[std::size_t(t)];
        if (m.home < 0) return tensors_[std::size_t(t)];
        b.c = {b.c.lo + m.home_channel, b.c.hi + m.home_channel};
        return home_of(m.home, b);
    }
    bool write(int t, box b) {
        marks& home = home_of(t, b);
        return home.write(b);
    }
    bool holds(int t, box b) {
        marks& home = home_of(t, b);
        return home.holds(b);
    }
    const exchange& exchange_of(const action& a) const {
        return part_.exchanges[std::size_t(a.index)];
    }

    void perform(const action& a) {
        switch (a.does) {
            case action::kind::bring: {
                const int t = plan_.input_tensor(a.index);
                CHECK(write(t, intersection(a.what, part_.tensors[std::size_t(t)].owned)));
                break;
            }
            case action::kind::begin: break;
            case action::kind::start:
                for (const auto& m : exchange_of(a).sends) {
                    CHECK(holds(exchange_of(a).tensor, m.what));
                }
                ++started_[std::size_t(a.index)];
                break;
            case action::kind::finish:
                arrive(a);
                for (const auto& m : exchange_of(a).receives) {
                    write(exchange_of(a).tensor, m.what);  // or again, in another layout
                }
                break;
            case action::kind::clear: clear(a); break;
            case action::kind::compute: compute(a.step, a.what); break;
            case action::kind::fill: fill(a); break;
            case action::kind::fill_rest:
                if (!rest_.empty()) compute(a.step, rest_);
                break;
            case action::kind::reduce: reduce(a); break;
            case action::kind::give:
                CHECK(holds(plan_.output_tensor(a.index), a.what));
                ++given_;
                break;
            case action::kind::meet: break;
        }
    }

    void arrive(const action& a) {
        CHECK(started_[std::size_t(a.index)] == 1);
        ++finished_[std::size_t(a.index)];
        CHECK(exchange_of(a).before_step == a.step);
    }
    void clear(const action& a) {
        const box inside = part_.tensors[std::size_t(a.index)].inside;
        box image = inside;
        image.n = a.what.n;
        detail::each_edge(a.what, image, [&](const box& edge) { write(a.index, edge); });
    }
    void compute(int i, const box& y) {
        const step& s = plan_.steps[std::size_t(i)];
        for (int k = 0; k < s.inputs.size() && !y.empty(); ++k) {
            INFO("input " << k);
            CHECK((has_read(s, k, y) || has_read_by_pixels(s, k, y)));
        }
        CHECK(write(s.y, written(s, y)));
    }
    /// Whether what the box y reads of input k is there.
    bool has_read(const step& s, int k, const box& y) {
        box read = k == 0 ? all_.read_x(s, y, part_.of.who.rank) : all_.read_input(s, k, y);
        read.c = intersection(read.c, whole(all_.extents(s.inputs[k])).c);  // lanes of a last block
        return holds(s.inputs[k], read);
    }
    /// Pixels that are further apart than a window need nothing of what lies between.
    bool has_read_by_pixels(const step& s, int k, const box& y) {
        bool all = true;
        for (int h = y.h.lo; h < y.h.hi; ++h) {
            for (int w = y.w.lo; w < y.w.hi; ++w) {
                all = all && has_read(s, k, {y.n, y.c, {h, h + 1}, {w, w + 1}});
            }
        }
        return all;
    }
    /// An arm of a concat writes its own channels alone.
    box written(const step& s, box y) const {
        const index_map reads = s.reads_input(0);
        if (reads.channels == channel_map::shifted) {
            const int shift = reads.shift, count = all_.extents(s.x()).c;
            y.c = intersection(y.c, {-shift, count - shift});
        }
        return y;
    }
    void fill(const action& a) {
        const step& s = plan_.steps[std::size_t(a.step)];
        const shape& x = plan_.tensors[std::size_t(s.x())].extents;
        const int tile = part_.steps[std::size_t(a.step)].tile;
        CHECK(started_[std::size_t(a.index)] == 1);
        CHECK(finished_[std::size_t(a.index)] == 0);
        rest_ = a.what;
        for (int piece = 0; piece < pieces_ && !rest_.empty(); ++piece) {
            box rows = rest_;
            rows.h = detail::first_rows(s.what, rest_, x, tile, part_.of.divides);
            compute(a.step, rows);
            rest_.h.lo = rows.h.hi;
        }
    }
    /// The boxes of a cut sum are y, each once; every message is one of its summands.
    void reduce(const action& a) {
        const step& s = plan_.steps[std::size_t(a.step)];
        const exchange& e = exchange_of(a);
        arrive(a);
        CHECK(a.what == part_.steps[std::size_t(a.step)].y);
        std::size_t received = 0;
        for (const auto& sum : e.sums) {
            bool any = false;
            for (const auto& from : sum.summands) {
                any = any || from.where != summand::place::absent;
                if (from.where == summand::place::here) CHECK(holds(e.tensor, sum.what));
                if (from.where != summand::place::received) continue;
                CHECK(e.receives[std::size_t(from.which)].what == sum.what);
                ++received;
            }
            CHECK(any);
            if (s.adds) CHECK(holds(s.residual(), sum.what));
            CHECK(a.what.contains(sum.what));
            CHECK(write(s.y, sum.what));
        }
        CHECK(received == e.receives.size());
    }

    const plan& plan_;
    const part& part_;
    geometry all_;
    int pieces_;
    std::vector<marks> tensors_;
    std::vector<int> started_, finished_;
    box rest_{};
    int given_ = 0;
};

void check_all_ranks(const plan& p, setting s) {
    for (int r = 0; r < s.who.ranks; ++r) {
        s.who = s.who.at(r);
        const part mine = partition(p, s);
        for (const int pieces : {0, 1, 2, 1000}) {
            INFO("rank " << r << " of " << s.who.ranks << ", messages after " << pieces
                         << " looks");
            replay(p, mine, pieces).run();
        }
    }
}

std::map<action::kind, int> count_of(const plan& p, const setting& s) {
    std::map<action::kind, int> count;
    const part mine = partition(p, s);
    const schedule order(p, mine);
    for (const action& a : order.all()) ++count[a.does];
    return count;
}

constexpr policy all_policies[] = {policy::none,  policy::batch,  policy::rows,  policy::cols,
                                   policy::tiles, policy::output, policy::input, policy::grid};

}  // namespace

TEST_CASE(
    "random nets: what is read is there, what is sent is complete, each output is computed once") {
    for (unsigned seed = 0; seed < unsigned(mpar_test::effort(40)); ++seed) {
        const mpar_test::random_graph net(seed, seed % 2);
        for (int which = -1; which < int(std::size(all_policies)); ++which) {
            const lowered l =
                net.lower(which < 0 ? std::optional<policy>{} : std::optional(all_policies[which]));
            INFO("seed " << seed << ": " << net.text() << sentence(l.wrong));
            REQUIRE_FALSE(l.wrong);
            setting s{{0, 1 + int((seed + unsigned(which + 1)) % 6)},
                      1 + int(seed % 3),
                      seed % 2 ? 1 : 8};
            s.reproducible = seed % 3 == 0;
            check_all_ranks(l.view(), s);
        }
    }
}

TEST_CASE("batches in slices") {
    for (const int batch : {2, 5}) {
        setting s = setting_on<backend::cpu, float>({}, batch);
        s.cache_bytes = 1 << 16;
        for (unsigned seed = 0; seed < unsigned(mpar_test::effort(20)); ++seed) {
            const mpar_test::random_graph net(seed + 100);
            const lowered l = net.lower();
            INFO("seed " << seed << ": " << net.text());
            for (const int ranks : {1, 3}) {
                s.who = {0, ranks};
                check_all_ranks(l.view(), s);
            }
        }
    }
}

TEST_CASE("several inputs and outputs: one of them read late, one given early") {
    dynamic_graph g;
    const int second = g.add_input({1, 6, 17, 13});
    const int early = g.add(conv2d<4, 6, window<3>>::describe(), {0});
    const int middle = g.add(conv2d<6, 6, window<5>>::describe(), {early});
    const int sum = g.add(sum_of_arms(), {middle, second});
    g.add_output(early);
    g.add_output(g.add(conv2d<6, 3, window<3>>::describe(), {sum}));
    g.add_output(second);
    for (const policy p : all_policies) {
        for (const placing given : {policy::none, policy::rows, policy::batch}) {
            INFO(name_of(p) << ", given by " << name_of(given.how));
            const lowered l = lower(g.view(), shape{1, 4, 17, 13}, given, p);
            REQUIRE_FALSE(l.wrong);
            REQUIRE(l.view().inputs() == 2);
            REQUIRE(l.view().outputs() == 3);
            for (const int ranks : {1, 2, 3, 4}) check_all_ranks(l.view(), {{0, ranks}, 3, 8});
        }
    }
}

TEST_CASE("the actions of a net of two convolutions, on 2 ranks by rows") {
    dynamic_graph g;
    g.add_next(conv2d<4, 4, window<3>>::describe());
    g.add_next(conv2d<4, 4, window<3>>::describe());
    const lowered l = lower(g.view(), shape{1, 4, 16, 8}, policy::rows, policy::rows);
    setting s{{0, 2}};
    const part mine = partition(l.view(), s);
    const schedule order(l.view(), mine);
    const auto all = order.all();
    using kind = action::kind;
    const auto rows = [](int lo, int hi) { return box{{0, 1}, {0, 4}, {lo, hi}, {0, 8}}; };
    const struct {
        kind does;
        int step;
        range rows;
    } wanted[] = {{kind::begin, -1, {}},
                  {kind::clear, -1, {-1, 9}},
                  {kind::bring, -1, {0, 9}},
                  {kind::meet, -1, {}},
                  // the input's halo comes before there is any work
                  {kind::begin, 0, {}},
                  {kind::start, 0, {}},
                  {kind::finish, 0, {}},
                  {kind::clear, 0, {-1, 9}},
                  // the row that the other rank waits for first
                  {kind::compute, 0, {7, 8}},
                  {kind::start, 0, {}},
                  {kind::compute, 0, {0, 7}},
                  {kind::begin, 1, {}},
                  {kind::fill, 1, {0, 7}},
                  {kind::finish, 1, {}},
                  {kind::compute, 1, {7, 8}},
                  {kind::fill_rest, 1, {0, 7}},
                  {kind::begin, 2, {}},
                  {kind::start, 2, {}},
                  {kind::finish, 2, {}},
                  {kind::give, 2, {0, 16}},
                  {kind::meet, 2, {}}};
    REQUIRE(all.size() == std::size(wanted));
    for (std::size_t i = 0; i < all.size(); ++i) {
        INFO("action " << i);
        CHECK(all[i].does == wanted[i].does);
        CHECK(all[i].step == wanted[i].step);
        if (!wanted[i].rows.empty()) CHECK(all[i].what.h == wanted[i].rows);
    }
    CHECK(all[10].what == rows(0, 7));
}

TEST_CASE("a ResNet-50 by rows looks after messages in most of its 3 x 3 layers") {
    const lowered l =
        lower(graph_of<resnet50>, resnet50::input::extents, policy::none, policy::rows);
    const auto inner = count_of(l.view(), setting_on<backend::cpu, float>({1, 4}, 1));
    CHECK(inner.at(action::kind::fill) >= 5);
    CHECK(inner.at(action::kind::fill) == inner.at(action::kind::fill_rest));
    const auto alone = count_of(l.view(), setting_on<backend::cpu, float>({0, 1}, 1));
    CHECK_FALSE(alone.contains(action::kind::fill));
    CHECK_FALSE(alone.contains(action::kind::start));
}
