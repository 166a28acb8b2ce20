// SPDX-License-Identifier: MIT
// Nets drawn from a seed, as tapes: odd windows, strides, paddings, groups, extents, policies.
#pragma once

#include <mpar/layers/activations.hpp>
#include <mpar/layers/batch_norm.hpp>
#include <mpar/layers/channels.hpp>
#include <mpar/layers/flatten.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/layers/softmax.hpp>
#include <mpar/net/plan/lower.hpp>

#include <random>
#include <string>
#include <vector>

namespace mpar_test {

/// A tape and its input. Equal seeds give equal tapes on all ranks.
class random_tape {
public:
    /// `cuts_sums`: policies that cut sums over channels (input, grid) among the layers' own, and
    /// stages of a pipeline.
    explicit random_tape(unsigned seed, bool cuts_sums = false)
        : engine_(seed), cuts_sums_(cuts_sums) {
        input_ = at_ = {1, between(1, 40), between(1, 67), between(1, 67)};
        const int layers = between(2, 7);
        for (int i = 0; i < layers; ++i) add_any();
        finish();
    }

    const std::vector<mpar::instruction>& tape() const { return tape_; }
    const mpar::shape& input() const { return input_; }
    mpar::lowered lower(const mpar::choice& asked = {}) const {
        return mpar::lower(tape_, input_, mpar::policy::none, asked);
    }
    std::string text() const {
        std::string words;
        for (const auto& i : tape_) words += std::string(i.does.name) + "; ";
        return words;
    }

private:
    int between(int lo, int hi) { return std::uniform_int_distribution<int>(lo, hi)(engine_); }
    bool maybe(int percent) { return between(1, 100) <= percent; }

    void push(mpar::operation o) {
        mpar::instruction i;
        i.does = mpar::resolve(o, at_);
        i.where = mpar::place{}.inner(static_cast<int>(tape_.size()));
        tape_.push_back(i);
        if (o.kind == mpar::op::global_avg_pool) {
            at_ = {1, at_.c, 1, 1};
        } else if (o.kind != mpar::op::nothing) {
            at_ = mpar::output_shape(i.does, at_);
        }
    }
    void mark(mpar::instruction::kind k) { tape_.push_back({k, {}, {}}); }

    mpar::taps any_taps(int extent) {
        mpar::taps t{between(1, 7), between(1, 3), between(1, 3), between(0, 4), between(0, 4)};
        while (t.outputs(extent) < 1) {
            t.dilation > 1 ? --t.dilation : t.kernel > 1 ? --t.kernel : ++t.before;
        }
        return t;
    }
    /// One that the layer can follow; a stage of a pipeline among them.
    mpar::placing any_policy(const mpar::operation& o) {
        using mpar::policy;
        constexpr policy all[] = {policy::none,  policy::batch, policy::rows, policy::output,
                                  policy::cols,  policy::tiles, policy::input, policy::grid,
                                  policy::stage};
        for (;;) {
            const policy p = all[between(0, cuts_sums_ ? 8 : 5)];
            if (mpar::can_follow(o, p)) return {p, p == policy::stage ? between(0, 3) : 0};
        }
    }

    mpar::operation convolution(int out, const mpar::sliding& window, int groups) {
        mpar::operation o;
        o.kind = mpar::op::convolution;
        o.name = groups == 1 ? "conv2d" : groups == at_.c && out == at_.c ? "depthwise" : "grouped";
        o.in = at_.c;
        o.out = out;
        o.groups = groups;
        o.window = window;
        o.bias = maybe(50);
        o.mixes_channels = !(groups == o.in && o.in == o.out);
        o.asks = any_policy(o);
        return o;
    }
    void add_norm_and_activation() {
        if (maybe(50)) {
            mpar::operation o;
            o.kind = mpar::op::batch_norm;
            o.name = "batch_norm";
            o.in = o.out = at_.c;
            push(o);
        }
        switch (between(0, 5)) {
            case 0: push(mpar::relu::describe()); break;
            case 1: push(mpar::relu6::describe()); break;
            case 2: push(mpar::leaky_relu<>::describe()); break;
            case 3: push(mpar::silu::describe()); break;
            default: break;
        }
    }
    void add_any() {
        switch (between(0, 10)) {
            case 0: {
                push(convolution(at_.c, {any_taps(at_.h), any_taps(at_.w)}, at_.c));
                break;
            }
            case 1: {
                int groups = between(1, 4);
                while (at_.c % groups) --groups;
                push(convolution(groups * between(1, 12), {any_taps(at_.h), any_taps(at_.w)},
                                 groups));
                break;
            }
            case 2: add_pool(mpar::op::max_pool); break;
            case 3: add_pool(mpar::op::avg_pool); break;
            case 4: add_residual(); break;
            case 5: add_concat(); break;
            case 6: add_channels(); break;
            default:
                push(convolution(between(1, 40), {any_taps(at_.h), any_taps(at_.w)}, 1));
                break;
        }
        add_norm_and_activation();
    }
    void add_pool(mpar::op kind) {
        mpar::operation o;
        o.kind = kind;
        o.name = kind == mpar::op::max_pool ? "max_pool" : "avg_pool";
        o.window = {any_taps(at_.h), any_taps(at_.w)};
        for (auto* t :
             {&o.window.h, &o.window.w}) {  // a window wholly in the padding has no maximum
            t->before = std::min(t->before, t->kernel > 1 ? 1 : 0);
            t->after = std::min(t->after, t->kernel > 1 ? 1 : 0);
            t->dilation = 1;
            const int extent = t == &o.window.h ? at_.h : at_.w;
            while (t->outputs(extent) < 1) --t->kernel;
            if (t->kernel == 1) t->before = t->after = 0;
        }
        o.count_padding = maybe(50);
        if (maybe(30)) o.asks = any_policy(o);
        push(o);
    }
    /// An arm that keeps the extents, its channels too; the other is empty, a convolution or a
    /// norm.
    void add_residual() {
        const mpar::shape before = at_;
        const auto keeping = [&](int k) {
            return mpar::sliding{{k, 1, 1, k / 2, k / 2}, {k, 1, 1, k / 2, k / 2}};
        };
        mark(mpar::instruction::kind::residual_begin);
        if (maybe(30)) push(mpar::relu::describe());
        push(convolution(between(1, 24), keeping(3), 1));
        add_norm_and_activation();
        push(convolution(before.c, keeping(maybe(50) ? 1 : 5), 1));
        add_norm_and_activation();
        mark(mpar::instruction::kind::skip_begin);
        at_ = before;
        if (maybe(40)) push(convolution(before.c, keeping(1), 1));
        add_norm_and_activation();
        mark(mpar::instruction::kind::residual_end);
    }
    /// Some of the channels that come, which begin at a whole block or not.
    void add_channels() {
        const int step = maybe(50) ? 16 : 1;
        mpar::operation o = mpar::channels<0>::describe();
        o.name = "channels";
        o.shift = between(0, (at_.c - 1) / step) * step;
        o.out = maybe(30) ? 0 : between(1, at_.c - o.shift);
        if (maybe(20)) o.asks = any_policy(o);
        push(o);
    }
    /// One to four arms that keep the extents: empty, some channels, or a convolution.
    void add_concat() {
        const mpar::shape before = at_;
        int channels = 0;
        mark(mpar::instruction::kind::concat_begin);
        for (int arm = between(1, 4); arm > 0; --arm) {
            at_ = before;
            const int what = between(0, 3);
            if (what == 1) add_channels();
            if (what > 1) {
                const int k = 2 * between(0, 2) + 1,
                          out = maybe(50) ? 16 * between(1, 2) : between(1, 20);
                push(convolution(out, {{k, 1, 1, k / 2, k / 2}, {k, 1, 1, k / 2, k / 2}}, 1));
                add_norm_and_activation();
            }
            channels += at_.c;
            if (arm > 1) mark(mpar::instruction::kind::next_arm);
        }
        mark(mpar::instruction::kind::concat_end);
        if (maybe(20)) tape_.back().does.asks = any_policy(mpar::arm_of_concat(0));
        at_ = before;
        at_.c = channels;
    }
    void finish() {
        const int end = between(0, 4);
        if (end == 1) push(mpar::softmax::describe());
        if (end < 2) return;
        if (end == 3 && at_.count() < 5000) {
            push(mpar::flatten::describe());
        } else {
            push(mpar::global_avg_pool::describe());
        }
        mpar::operation o;
        o.kind = mpar::op::dense;
        o.name = "dense";
        o.in = at_.c;
        o.out = between(1, 70);
        o.bias = o.mixes_channels = o.mixes_rows = true;
        o.asks = any_policy(o);
        push(o);
    }

    std::mt19937 engine_;
    bool cuts_sums_;
    mpar::shape input_, at_;
    std::vector<mpar::instruction> tape_;
};

}  // namespace mpar_test
