// SPDX-License-Identifier: MIT
// What an output of a layer reads, against loops over what its formula names; its shape rule.
#include "support/catch.hpp"

#include <mpar/layers/batch_norm.hpp>
#include <mpar/layers/channels.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/layers/dense.hpp>
#include <mpar/layers/flatten.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/layers/pad2d.hpp>
#include <mpar/layers/pool.hpp>
#include <mpar/layers/softmax.hpp>
#include <mpar/net/plan/layouts.hpp>

#include <random>
#include <vector>

using namespace mpar;

namespace {

struct point {
    int n, c, h, w;
};

/// The inputs that one output reads by the layer's formula, padding included.
std::vector<point> touched(const operation& o, const shape& x, const point& y) {
    std::vector<point> all;
    const sliding by = index_map_of(o).window;
    const auto window = [&](int c) {
        for (int k = 0; k < by.h.kernel; ++k)
            for (int l = 0; l < by.w.kernel; ++l)
                all.push_back({y.n, c, y.h * by.h.stride - by.h.before + k * by.h.dilation,
                               y.w * by.w.stride - by.w.before + l * by.w.dilation});
    };
    switch (o.kind()) {
        case op::conv2d:
        case op::dense: {
            const filters& f = filters_of(o);
            const int ins = f.in / f.groups, outs = f.out / f.groups, group = y.c / outs;
            for (int c = group * ins; c < (group + 1) * ins; ++c) window(c);
            break;
        }
        case op::softmax:
            for (int c = 0; c < x.c; ++c) window(c);
            break;
        case op::flatten:
            all.push_back({y.n, y.c / (x.h * x.w), y.c / x.w % x.h, y.c % x.w});
            break;
        case op::row_sums:
            for (int w = 0; w < x.w; ++w) all.push_back({y.n, y.c, y.h, w});
            break;
        case op::mean_rows:
            for (int h = 0; h < x.h; ++h) all.push_back({y.n, y.c, h, 0});
            break;
        case op::pad: {
            const auto beyond = index_map_of(o).beyond;
            const auto line = [&](int i, int extent) {
                if (beyond == outside::clamped) return std::clamp(i, 0, extent - 1);
                return i < 0 ? -i : i >= extent ? 2 * extent - 2 - i : i;
            };
            all.push_back({y.n, y.c, line(y.h - by.h.before, x.h), line(y.w - by.w.before, x.w)});
            break;
        }
        default: window(y.c);
    }
    return all;
}

template <class Visit>
void each_point(const box& b, Visit visit) {
    for (int n = b.n.lo; n < b.n.hi; ++n)
        for (int c = b.c.lo; c < b.c.hi; ++c)
            for (int h = b.h.lo; h < b.h.hi; ++h)
                for (int w = b.w.lo; w < b.w.hi; ++w) visit(point{n, c, h, w});
}

/// The smallest box with all that the part reads.
box bounds(const operation& o, const shape& x, const box& y) {
    box all;
    each_point(y, [&](const point& p) {
        for (const auto& q : touched(o, x, p))
            all = hull(all, {{q.n, q.n + 1}, {q.c, q.c + 1}, {q.h, q.h + 1}, {q.w, q.w + 1}});
    });
    return all;
}

class random_parts {
public:
    int between(int lo, int hi) { return std::uniform_int_distribution<int>(lo, hi)(engine_); }
    /// A part of [0, extent), not empty, that begins at a block.
    range part(int extent, int block = 1) {
        const int lo = between(0, (extent - 1) / block) * block;
        return {lo, between(lo + 1, extent)};
    }
    box part(const shape& y, int block) {
        return {part(y.n), part(y.c, block), part(y.h), part(y.w)};
    }

private:
    std::mt19937 engine_{11};
};

/// Exact in every dimension; channels may be widened to whole blocks, and no further.
void check(const operation& described, const shape& x, int parts = 40) {
    const operation o = resolve(described, x);
    const shape y = output_shape(o, x);
    REQUIRE(y.count() > 0);
    random_parts random;
    for (int i = 0; i < parts; ++i) {
        for (const int block : {1, 4, 8}) {
            const box part = random.part(y, block);
            const box r = reads(o, part, x, block), b = bounds(o, x, part);
            const range widened{b.c.lo / block * block, std::min(x.c, round_up(b.c.hi, block))};
            const bool channels =
                r.c == b.c || (index_map_of(o).channels == channel_map::grouped && r.c == widened);
            const bool all =
                o.kind() == op::flatten && r == box{part.n, {0, x.c}, {0, x.h}, {0, x.w}};
            const bool right =
                (r.contains(b) && r.n == b.n && r.h == b.h && r.w == b.w && channels) || all;
            if (!right) {
                FAIL_CHECK(o.name << ", part c [" << part.c.lo << " " << part.c.hi << ") h ["
                                  << part.h.lo << " " << part.h.hi << "), block " << block
                                  << ": reads c [" << r.c.lo << " " << r.c.hi << ") h [" << r.h.lo
                                  << " " << r.h.hi << ") w [" << r.w.lo << " " << r.w.hi << ")");
            }
        }
    }
    CHECK(reads(o, box{}, x).empty());
    CHECK(reads(o, {{0, 1}, {0, 1}, {1, 1}, {0, 1}}, x).empty());
}

using wide = oblong<kernel<3, 5>, stride<2, 1>, pad<1, 0, 2, 3>, dilation<1, 2>>;

}  // namespace

TEST_CASE("convolutions read their windows in all channels of their group") {
    const shape x{2, 24, 11, 13};
    check(conv2d<24, 20, window<1>>::describe(), x);
    check(conv2d<24, 20, window<3>>::describe(), x);
    check(conv2d<24, 20, window<3, 2, same>>::describe(), x);
    check(conv2d<24, 20, wide>::describe(), x);
    check(conv2d<24, 24, wide, groups<2>>::describe(), x);
    check(conv2d<24, 12, window<3>, groups<3>>::describe(), x);   // more in than out
    check(conv2d<24, 72, window<3>, groups<12>>::describe(), x);  // more out than in
    check(conv2d<24, 48, window<3>, groups<24>>::describe(), x);  // two filters a channel
    check(conv2d<24, 40, window<3>, groups<8>>::describe(), x);   // three and five
}

TEST_CASE("depthwise convolutions, pools and norms read their own channel alone") {
    const shape x{2, 24, 11, 13};
    check(depthwise_conv2d<24, window<3, 2>>::describe(), x);
    check(depthwise_conv2d<24, wide>::describe(), x);
    check(max_pool<window<3, 2>>::describe(), x);
    check(avg_pool<window<2, 2>>::describe(), x);
    check(max_pool<wide>::describe(), x);
    check(batch_norm<24>::describe(), x);
    STATIC_REQUIRE_FALSE(
        index_map_of(depthwise_conv2d<24, window<3>>::describe()).mixes_channels());
    STATIC_REQUIRE(
        index_map_of(conv2d<24, 48, window<3>, groups<24>>::describe()).mixes_channels());
    STATIC_REQUIRE(can_follow(conv2d<1, 1, window<3>>::describe(), policy::input));  // one channel
}

TEST_CASE("dense, flatten and softmax read all; the phases of the mean read a row and a column") {
    check(dense<24, 10>::describe(), {3, 24, 1, 1});
    check(flatten::describe(), {3, 5, 4, 6});
    check(softmax::describe(), {3, 10, 1, 1});
    check(softmax::describe(), {3, 10, 4, 5});
    check(phases_of({2, 3, 5, 7})[0], {2, 24, 11, 13});
    check(phases_of({2, 24, 11, 13})[1], {2, 24, 11, 1});
}

TEST_CASE("a pad reads the rows and columns that its border repeats, and no others") {
    const shape x{2, 24, 11, 13};
    check(pad2d<pad<1, 3>, fill_constant<>>::describe(), x);
    check(pad2d<pad<2, 3, 0, 5>, fill_edge>::describe(), x);
    check(pad2d<pad<2, 3, 1, 5>, fill_reflect>::describe(), x);
    check(pad2d<pad<10, 10, 12, 12>, fill_reflect>::describe(), x);
    const operation wide_pad = pad2d<pad<0, 11, 0, 0>, fill_reflect>::describe();
    CHECK(refuses(wide_pad, std::array{x}).what == misfit::mirror);
    CHECK_FALSE(refuses(wide_pad, std::array{shape{2, 24, 12, 1}}));
}

TEST_CASE("a product's gate is read whole, another tensor at its place") {
    const shape x{2, 24, 11, 13};
    const box part{{0, 1}, {8, 16}, {2, 5}, {0, 13}};
    const operation gate = resolve(multiply_op{}, std::array{x, shape{2, 24, 1, 1}});
    CHECK(reads(gate, part, x) == part);
    CHECK(reads(gate, part, {2, 24, 1, 1}, 8, 0, 1) == box{{0, 1}, {8, 16}, {0, 1}, {0, 1}});
    const operation both = resolve(multiply_op{}, std::array{x, x});
    CHECK(reads(both, part, x, 8, 0, 1) == part);
    CHECK(refuses(both, std::array{x, shape{2, 24, 11, 12}}).what == misfit::gate);
    CHECK(refuses(both, std::array{x, shape{2, 23, 1, 1}}).what == misfit::gate);
}

TEST_CASE("channels read their own in the indices of x, in whole blocks; an arm those it has") {
    const shape x{2, 24, 11, 13};
    const auto read = [&](const operation& o, range c, int block) {
        const operation resolved = resolve(o, x);
        box part = whole(output_shape(resolved, x));
        part.c = c;
        part.h = {2, 5};
        const box b = reads(resolved, part, x, block);
        CHECK((b.empty() || (b.h == part.h && b.w == whole(x).w && b.n == whole(x).n)));
        return b.c;
    };
    CHECK(read(channels<3, 19>::describe(), {0, 16}, 1) == range{3, 19});
    CHECK(read(channels<3, 19>::describe(), {8, 16}, 8) == range{8, 24});
    CHECK(read(channels<3, 19>::describe(), {8, 16}, 16) == range{0, 24});
    CHECK(read(channels<16>::describe(), {0, 8}, 8) == range{16, 24});
    CHECK(read(arm_of_concat(16), {16, 32}, 8) == range{0, 16});
    CHECK(read(arm_of_concat(16), {32, 64}, 8) == range{16, 24});
    CHECK(read(arm_of_concat(13), {8, 16}, 8) == range{0, 8});
    CHECK(read(arm_of_concat(16), {0, 16}, 8).empty());
    CHECK(read(arm_of_concat(16), {40, 48}, 8).empty());
}

TEST_CASE("the shape rule") {
    const auto shape_of = [](const operation& o, const shape& x) {
        return output_shape(resolve(o, x), x);
    };
    CHECK(shape_of(conv2d<3, 64, window<7, 2>>::describe(), {5, 3, 224, 224}) ==
          shape{5, 64, 112, 112});
    CHECK(shape_of(max_pool<window<3, 2>>::describe(), {5, 64, 112, 112}) == shape{5, 64, 56, 56});
    CHECK(shape_of(conv2d<3, 8, wide>::describe(), {1, 3, 9, 9}) == shape{1, 8, 4, 6});
    CHECK(shape_of(flatten::describe(), {2, 3, 5, 7}) == shape{2, 105, 1, 1});
    CHECK(shape_of(dense<105, 10>::describe(), {2, 105, 1, 1}) == shape{2, 10, 1, 1});
    CHECK(shape_of(phases_of({2, 3, 5, 7})[0], {2, 3, 5, 7}) == shape{2, 3, 5, 1});
    CHECK(shape_of(phases_of({2, 3, 5, 7})[1], {2, 3, 5, 1}) == shape{2, 3, 1, 1});
    CHECK(shape_of(softmax::describe(), {2, 3, 5, 7}) == shape{2, 3, 5, 7});
    CHECK(shape_of(channels<2, 6>::describe(), {2, 9, 5, 7}) == shape{2, 4, 5, 7});
    CHECK(shape_of(channels<2>::describe(), {2, 9, 5, 7}) == shape{2, 7, 5, 7});
    CHECK(shape_of(conv2d<3, 8, window<5, 1, pad<0>>>::describe(), {1, 3, 4, 9}).h < 1);
}

TEST_CASE("the mean's divisor is the area of the image") {
    const auto divisor = [](const auto& o) {
        if constexpr (requires { o.divisor; }) return o.divisor;
        return 0.0;
    };
    STATIC_REQUIRE(visit(phases_of({1, 8, 7, 5})[1], divisor) == 35);
}
