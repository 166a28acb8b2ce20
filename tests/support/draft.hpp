// SPDX-License-Identifier: MIT
// Nets drawn from a seed, as tables of what stands in them, valid by their shapes. Knows no type of
// a net and no graph.
#pragma once

#include <mpar/kernels/border.hpp>
#include <mpar/shard/policy.hpp>
#include <mpar/tensor/taps.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace mpar_test {

/// The words in which nets are written. An arm belongs to the residual, product, concat or repeat
/// around it.
enum class word {
    conv2d,
    batch_norm,
    relu,
    relu6,
    leaky_relu,
    silu,
    max_pool,
    avg_pool,
    pad2d,
    channels,
    dropout,
    identity,
    global_avg_pool,
    flatten,
    dense,
    softmax,
    residual,
    product,
    concat,
    repeat,
    arm,
};
inline constexpr int word_count = 21;

/// How a window's padding is written; that of `given` stands in its taps.
enum class padding { centred, same, given };

/// One word and what is said of it.
struct line {
    word is = word::identity;
    int end = 0;        ///< of the table: one past the lines that stand inside of this one
    mpar::shape in{};   ///< what comes
    int out = 0;        ///< channels or features that it gives
    int groups = 1;     ///< of a convolution
    bool bias = false;  ///< of a convolution
    mpar::taps rows{}, columns{};
    padding how = padding::centred;
    mpar::border fill{};      ///< of a pad2d, whose margins are the taps'
    bool counts = true;       ///< of an avg_pool: its padding
    int first = 0, last = 0;  ///< of channels; last = 0: all from the first on
    bool is_keras = false;    ///< of a batch_norm: epsilon is 1e-3, not 1e-5
    int times = 1;            ///< of a repeat
    bool is_named = false;    ///< of an arm: it is a struct of its own
    mpar::placing asks{};

    constexpr bool has_window() const {
        return is == word::conv2d || is == word::max_pool || is == word::avg_pool;
    }
};

/// A net: lines, of which each is followed by those that stand inside of it.
struct draft {
    mpar::shape input;
    mpar::placing given;
    std::array<line, 48> table{};
    int count = 0;

    constexpr const line& operator[](int i) const { return table[std::size_t(i)]; }
    constexpr std::span<const line> lines() const {
        return std::span(table).first(std::size_t(count));
    }
};

/// How many outputs a window gives along a line of so many inputs.
constexpr int outputs(mpar::taps t, padding how, int extent) {
    if (how == padding::same) return (extent + t.stride - 1) / t.stride;
    if (how == padding::centred) t.before = t.after = (t.kernel - 1) / 2 * t.dilation;
    return t.outputs(extent);
}

/// Draws one net. Equal seeds give equal nets, while compiling and at run time.
class drafter {
public:
    constexpr explicit drafter(unsigned seed) : seed_(seed) {}

    constexpr draft run() {
        at_ = {1, maybe(50) ? 4 * between(1, 6) : between(1, 24), between(7, 30), between(7, 30)};
        net_.input = at_;
        net_.given = maybe(60)
                         ? mpar::policy::none
                         : one_of({mpar::policy::batch, mpar::policy::rows, mpar::policy::cols,
                                   mpar::policy::tiles, mpar::policy::output});
        const int parts = between(2, 4);
        for (int i = 0; i < parts; ++i) add(i == 0 ? int(seed_ % kinds) : between(0, kinds - 1));
        finish();
        return net_;
    }

private:
    static constexpr int kinds = 12;

    /// A number of [lo, hi], by the seed and how many were drawn before (splitmix64).
    constexpr int between(int lo, int hi) {
        std::uint64_t z = (std::uint64_t(seed_) << 32 | ++drawn_) * 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return lo + int((z ^ (z >> 31)) % std::uint64_t(hi - lo + 1));
    }
    constexpr bool maybe(int percent) { return between(1, 100) <= percent; }
    template <class T>
    constexpr T one_of(std::initializer_list<T> all) {
        return all.begin()[between(0, int(all.size()) - 1)];
    }

    /// What a line says of itself is drawn before, so that its number stays.
    constexpr int push(line l) {
        const int number = net_.count++;
        l.in = at_;
        l.end = net_.count;
        net_.table[std::size_t(number)] = l;
        return number;
    }
    constexpr void push(word w) { push(line{.is = w}); }
    constexpr void close(int number) { net_.table[std::size_t(number)].end = net_.count; }
    constexpr int open(word w, bool is_named = false) {
        return push(line{.is = w, .is_named = is_named});
    }

    /// One that a layer can follow. Seeds differ in which others stand beside those without sums.
    constexpr mpar::placing any_policy(bool sums_all_channels, bool is_vector = false) {
        using mpar::policy;
        const unsigned with = seed_ % 5;
        for (;;) {
            const auto p = one_of({policy::none, policy::batch, policy::rows, policy::cols,
                                   policy::tiles, policy::output, policy::input, policy::grid,
                                   policy::stage, policy::automatic});
            const bool is_spatial = p == policy::rows || p == policy::cols || p == policy::tiles;
            const bool sums = p == policy::input || p == policy::grid;
            if ((is_spatial && is_vector) || (sums && (!sums_all_channels || with != 1))) continue;
            if (p == policy::stage && with != 2) continue;
            if (p == policy::automatic && with != 3) continue;
            return {p, p == policy::stage ? between(0, 3) : 0};
        }
    }
    constexpr mpar::placing maybe_policy() {
        return maybe(40) ? any_policy(false) : mpar::policy::follow;
    }

    constexpr void draw_window(line& l, bool pools) {
        l.how = one_of({padding::centred, padding::same, padding::given});
        const bool is_square = maybe(50);
        for (auto* t : {&l.rows, &l.columns}) {
            const int extent = t == &l.rows ? at_.h : at_.w;
            if (t == &l.columns && is_square) {
                const int before = between(0, 2);
                *t = l.rows;
                t->before = before;
            } else {
                *t = {between(1, 5), between(1, 3), pools ? 1 : between(1, 2), between(0, 3),
                      between(0, 3)};
            }
            if (l.how != padding::given) t->before = t->after = 0;
            if (pools) {  // a window that lies in the padding has no maximum
                t->before = std::min(t->before, t->kernel / 2);
                t->after = std::min(t->after, t->kernel / 2);
            }
            while (outputs(*t, l.how, extent) < 1) {
                t->dilation > 1 ? --t->dilation : --t->kernel;
                if (pools) t->before = t->after = 0;
            }
        }
    }
    constexpr void push_windowed(line l) {
        push(l);
        at_ = {1, l.out, outputs(l.rows, l.how, at_.h), outputs(l.columns, l.how, at_.w)};
    }
    constexpr void add_convolution(int out, int groups) {
        line l{.is = word::conv2d, .out = out, .groups = groups, .bias = maybe(40)};
        draw_window(l, false);
        l.asks = any_policy(groups == 1);
        push_windowed(l);
    }
    /// Rows and columns stay, or become a half where its stride is 2.
    constexpr void add_centred(int out, int kernel, int stride = 1) {
        line l{.is = word::conv2d, .out = out, .bias = maybe(40)};
        l.rows = l.columns = {kernel, stride, maybe(20) ? 2 : 1, 0, 0};
        l.asks = any_policy(true);
        push_windowed(l);
    }
    constexpr void add_pool(word w) {
        line l{.is = w, .out = at_.c, .counts = maybe(50)};
        draw_window(l, true);
        l.asks = maybe_policy();
        push_windowed(l);
    }
    constexpr void add_norm() {
        push(line{.is = word::batch_norm, .out = at_.c, .is_keras = maybe(30)});
    }
    constexpr void add_activation() {
        push(one_of({word::relu, word::relu6, word::leaky_relu, word::silu}));
    }
    constexpr void add_norm_and_activation() {
        if (maybe(40)) add_norm();
        if (maybe(60)) add_activation();
    }
    constexpr void add_pad() {
        using fill = mpar::border::kind;
        line l{.is = word::pad2d, .out = at_.c};
        l.fill.with = one_of({fill::constant, fill::reflect, fill::edge});
        if (l.fill.with == fill::constant) l.fill.value = between(-1, 1);
        const int rows = std::min(3, at_.h - 1), columns = std::min(3, at_.w - 1);
        l.rows.before = between(0, rows), l.rows.after = between(0, rows);
        l.columns.before = between(0, columns), l.columns.after = between(0, columns);
        l.asks = maybe_policy();
        push(l);
        at_.h += l.rows.before + l.rows.after;
        at_.w += l.columns.before + l.columns.after;
    }
    constexpr void add_channels() {
        line l{.is = word::channels, .first = between(0, at_.c - 1)};
        l.last = maybe(30) ? 0 : between(l.first + 1, at_.c);
        l.out = (l.last ? l.last : at_.c) - l.first;
        l.asks = maybe(20) ? any_policy(false) : mpar::policy::follow;
        push(l);
        at_.c = l.out;
    }

    /// With a skip that is empty, or a projection where channels or extents change.
    constexpr void add_residual() {
        const mpar::shape before = at_;
        const bool projects = maybe(60);
        const int stride = projects ? between(1, 2) : 1, out = projects ? between(1, 24) : at_.c;
        const int sum = open(word::residual);
        const int body = open(word::arm, maybe(50));
        add_centred(between(1, 20), 3, stride);
        add_norm_and_activation();
        add_centred(out, 1);
        if (maybe(50)) add_norm();
        close(body);
        const mpar::shape after = at_;
        at_ = before;
        const int skip = open(word::arm);
        if (projects) {
            add_centred(out, 1, stride);
            if (maybe(50)) add_norm();
        } else {
            push(word::identity);
        }
        close(skip);
        at_ = after;
        close(sum);
    }
    /// A gate of one pixel, as squeeze-and-excite has it, or of all of them.
    constexpr void add_product() {
        const mpar::shape before = at_;
        const int product = open(word::product);
        const int body = open(word::arm);
        if (maybe(30)) {
            push(word::identity);
        } else {
            add_centred(between(1, 24), 3);
            add_norm_and_activation();
        }
        close(body);
        const mpar::shape after = at_;
        at_ = before;
        const int gate = open(word::arm, maybe(50));
        if (maybe(70)) {
            add_mean();
            add_centred(between(1, 9), 1);
            push(word::relu);
        }
        add_centred(after.c, 1);
        close(gate);
        at_ = after;
        close(product);
    }
    constexpr void add_mean() {
        push(word::global_avg_pool);
        at_.h = at_.w = 1;
    }
    constexpr void add_concat() {
        const mpar::shape before = at_;
        const int concat = open(word::concat);
        int joined = 0;
        for (int arms = between(2, 3); arms > 0; --arms) {
            at_ = before;
            const int arm = open(word::arm);
            switch (between(0, 3)) {
                case 0: push(word::identity); break;
                case 1: add_channels(); break;
                default:
                    add_centred(between(1, 20), 2 * between(0, 2) + 1);
                    add_norm_and_activation();
            }
            joined += at_.c;
            close(arm);
        }
        at_.c = joined;
        close(concat);
    }
    constexpr void add_repeat() {
        const int repeat = push(line{.is = word::repeat, .times = between(2, 3)});
        const int block = open(word::arm, maybe(50));
        add_centred(at_.c, 3);
        add_activation();
        close(block);
        close(repeat);
    }

    constexpr void add(int kind) {
        switch (kind) {
            case 0: return add_residual();
            case 1: return add_concat();
            case 2: return add_product();
            case 3: return add_repeat();
            case 4: return add_pad();
            case 5: return add_channels();
            case 6: return add_pool(word::max_pool);
            case 7: return add_pool(word::avg_pool);
            case 8: add_convolution(at_.c, at_.c); break;
            case 9: {  // a few groups, or one for each channel that gives several
                const int few = between(2, 4), groups = at_.c % few ? at_.c : few;
                add_convolution(groups * between(1, std::max(1, 32 / groups)), groups);
                break;
            }
            default: add_convolution(between(1, 32), 1);
        }
        add_norm_and_activation();
    }
    constexpr void finish() {
        const int end = between(0, 3);
        if (end == 1) return push(word::softmax);
        if (end == 0) return;
        if (end == 2 && at_.count() < 2000) {
            push(word::flatten);
            at_ = {1, int(at_.count()), 1, 1};
        } else {
            add_mean();
            if (maybe(50)) push(word::flatten);
        }
        if (maybe(50)) push(word::dropout);
        line l{.is = word::dense, .out = between(1, 40)};
        l.asks = any_policy(true, true);
        push(l);
        at_.c = l.out;
        if (maybe(30)) push(word::softmax);
    }

    unsigned seed_, drawn_ = 0;
    draft net_;
    mpar::shape at_;
};

/// The net of a seed.
constexpr draft drawn(unsigned seed) { return drafter(seed).run(); }

}  // namespace mpar_test
