// SPDX-License-Identifier: MIT
// Nets drawn from a seed, as graphs: odd windows, strides, paddings, groups, extents, policies.
#pragma once

#include <mpar/layers/activations.hpp>
#include <mpar/layers/batch_norm.hpp>
#include <mpar/layers/channels.hpp>
#include <mpar/layers/flatten.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/layers/pad2d.hpp>
#include <mpar/layers/softmax.hpp>
#include <mpar/net/graph/dynamic_graph.hpp>
#include <mpar/net/plan/lower.hpp>

#include <random>
#include <string>
#include <vector>

namespace mpar_test {

/// A graph and its input. Equal seeds give equal graphs on all ranks.
class random_graph {
public:
    /// `cuts_sums`: policies that cut sums over channels (input, grid) among the layers' own, and
    /// stages of a pipeline.
    explicit random_graph(unsigned seed, bool cuts_sums = false)
        : engine_(seed), cuts_sums_(cuts_sums) {
        input_ = at_ = {1, between(1, 40), between(1, 67), between(1, 67)};
        const int layers = between(2, 7);
        for (int i = 0; i < layers; ++i) add_any();
        finish();
    }

    mpar::graph view() const { return graph_.view(); }
    const mpar::shape& input() const { return input_; }
    mpar::lowered lower(const mpar::choice& asked = {}) const {
        return mpar::lower(view(), input_, mpar::policy::none, asked);
    }
    std::string text() const {
        std::string words;
        for (const auto& n : view()) words += std::string(n.does.name) + "; ";
        return words;
    }

private:
    int between(int lo, int hi) { return std::uniform_int_distribution<int>(lo, hi)(engine_); }
    bool maybe(int percent) { return between(1, 100) <= percent; }

    void push(const mpar::operation& o) {
        const mpar::operation resolved = mpar::resolve(o, at_);
        at_ = mpar::output_shape(resolved, at_);
        value_ = graph_.add(resolved, {value_}, {}, next());
    }
    void join(const mpar::operation& o, const std::vector<int>& values) {
        value_ = graph_.add(o, values, {}, next());
    }
    mpar::place next() { return mpar::place{}.inner(graph_.view().output()); }

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
        constexpr policy all[] = {policy::none,   policy::batch, policy::rows,
                                  policy::output, policy::cols,  policy::tiles,
                                  policy::input,  policy::grid,  policy::stage};
        for (;;) {
            const policy p = all[between(0, cuts_sums_ ? 8 : 5)];
            if (mpar::can_follow(o, p)) return {p, p == policy::stage ? between(0, 3) : 0};
        }
    }

    mpar::operation convolution(int out, const mpar::sliding& window, int groups) {
        mpar::conv2d_op o;
        o.of = {at_.c, out, groups, window, maybe(50)};
        const mpar::operation named =
            mpar::operation(o).called(groups == 1                       ? "conv2d"
                                      : groups == at_.c && out == at_.c ? "depthwise"
                                                                        : "grouped");
        return named.placed(any_policy(named));
    }
    void add_norm_and_activation() {
        if (maybe(50)) {
            mpar::batch_norm_op o;
            o.channels = at_.c;
            push(mpar::operation(o).called("batch_norm"));
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
        switch (between(0, 12)) {
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
            case 2: {
                mpar::max_pool_op o;
                o.window = pool_window();
                push_as_may_be(mpar::operation(o).called("max_pool"));
                break;
            }
            case 3: {
                mpar::avg_pool_op o;
                o.window = pool_window();
                o.count_padding = maybe(50);
                push_as_may_be(mpar::operation(o).called("avg_pool"));
                break;
            }
            case 4: add_residual(); break;
            case 5: add_concat(); break;
            case 6: add_channels(); break;
            case 7: add_pad(); break;
            case 8: add_product(); break;
            default:
                push(convolution(between(1, 40), {any_taps(at_.h), any_taps(at_.w)}, 1));
                break;
        }
        add_norm_and_activation();
    }
    mpar::sliding pool_window() {
        mpar::sliding window{any_taps(at_.h), any_taps(at_.w)};
        for (auto* t : {&window.h, &window.w}) {  // one wholly in the padding has no maximum
            t->before = std::min(t->before, t->kernel > 1 ? 1 : 0);
            t->after = std::min(t->after, t->kernel > 1 ? 1 : 0);
            t->dilation = 1;
            const int extent = t == &window.h ? at_.h : at_.w;
            while (t->outputs(extent) < 1) --t->kernel;
            if (t->kernel == 1) t->before = t->after = 0;
        }
        return window;
    }
    void push_as_may_be(const mpar::operation& o) { push(maybe(30) ? o.placed(any_policy(o)) : o); }
    void add_pad() {
        using fill = mpar::border::kind;
        constexpr fill fills[] = {fill::constant, fill::reflect, fill::edge};
        mpar::pad_op o;
        o.how.with = fills[between(0, 2)];
        if (o.how.with == fill::constant) o.how.value = between(0, 2) - 1;
        const int rows = std::min(3, at_.h - 1), columns = std::min(3, at_.w - 1);
        o.margin = {between(0, rows), between(0, rows), between(0, columns), between(0, columns)};
        push_as_may_be(mpar::operation(o).called("pad"));
    }
    /// A convolution that keeps the extents, by a gate of one pixel or of all of them.
    void add_product() {
        const mpar::shape before = at_;
        const int from = value_;
        push(convolution(between(1, 24), keeping(3), 1));
        add_norm_and_activation();
        const mpar::shape body_shape = at_;
        const int body = value_;
        if (maybe(50)) {
            push(mpar::global_avg_pool::describe());
            push(convolution(body_shape.c, keeping(1), 1));
        } else {
            value_ = from;
            at_ = before;
            push(convolution(body_shape.c, keeping(1), 1));
        }
        const int gate = value_;
        at_ = body_shape;
        join(mpar::operation(mpar::multiply_op{}).called("product"), {body, gate});
    }
    static mpar::sliding keeping(int k) {
        return {{k, 1, 1, k / 2, k / 2}, {k, 1, 1, k / 2, k / 2}};
    }
    /// An arm that keeps the extents, its channels too; the other is empty, a convolution or a
    /// norm.
    void add_residual() {
        const mpar::shape before = at_;
        const int from = value_;
        if (maybe(30)) push(mpar::relu::describe());
        push(convolution(between(1, 24), keeping(3), 1));
        add_norm_and_activation();
        push(convolution(before.c, keeping(maybe(50) ? 1 : 5), 1));
        add_norm_and_activation();
        const int body = value_;
        at_ = before;
        value_ = from;
        if (maybe(40)) push(convolution(before.c, keeping(1), 1));
        add_norm_and_activation();
        join(mpar::operation(mpar::add_op{}).called("residual: sum"), {body, value_});
    }
    /// Some of the channels that come, which begin at a whole block or not.
    void add_channels() {
        const int step = maybe(50) ? 16 : 1;
        mpar::channels_op o;
        o.shift = between(0, (at_.c - 1) / step) * step;
        o.count = maybe(30) ? 0 : between(1, at_.c - o.shift);
        const mpar::operation named = mpar::operation(o).called("channels");
        push(maybe(20) ? named.placed(any_policy(named)) : named);
    }
    /// One to four arms that keep the extents: empty, some channels, or a convolution.
    void add_concat() {
        const mpar::shape before = at_;
        const int from = value_;
        int channels = 0;
        std::vector<int> arms;
        for (int arm = between(1, 4); arm > 0; --arm) {
            at_ = before;
            value_ = from;
            const int what = between(0, 3);
            if (what == 1) add_channels();
            if (what > 1) {
                const int k = 2 * between(0, 2) + 1,
                          out = maybe(50) ? 16 * between(1, 2) : between(1, 20);
                push(convolution(out, keeping(k), 1));
                add_norm_and_activation();
            }
            channels += at_.c;
            arms.push_back(value_);
        }
        mpar::operation o = mpar::operation(mpar::concat_op{}).called("concat");
        if (maybe(20)) o.asks = any_policy(mpar::arm_of_concat(0));
        join(o, arms);
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
        mpar::dense_op o;
        o.of = {.in = at_.c, .out = between(1, 70), .bias = true};
        const mpar::operation named = mpar::operation(o).called("dense");
        push(named.placed(any_policy(named)));
    }

    std::mt19937 engine_;
    bool cuts_sums_;
    mpar::shape input_, at_;
    mpar::dynamic_graph graph_;
    int value_ = 0;  ///< what comes next reads it
};

}  // namespace mpar_test
