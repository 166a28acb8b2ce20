// SPDX-License-Identifier: MIT
// A draft as a graph, made operation by operation as a reader of files makes one. Knows no type.
#pragma once

#include "support/draft.hpp"

#include <mpar/net/graph/dynamic_graph.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace mpar_test {

/// Makes the graph of one draft.
class graph_maker {
public:
    /// `keeps_all`: what does nothing has a node too; else what comes is read in its place.
    explicit graph_maker(const draft& net, bool keeps_all) : net_(net), keeps_all_(keeps_all) {}

    mpar::dynamic_graph run() {
        add_lines(0, net_.count, 0);
        return std::move(graph_);
    }

private:
    /// The value that the last of some lines gives, when the first one reads x.
    int add_lines(int first, int end, int x) {
        for (int i = first; i < end; i = net_[i].end) x = add_line(i, x);
        return x;
    }
    int add_line(int i, int x) {
        const line& l = net_[i];
        switch (l.is) {
            case word::residual: return add_arms(mpar::add_op{}, i, x);
            case word::product: return add_arms(mpar::multiply_op{}, i, x);
            case word::concat: return add_arms(mpar::concat_op{}, i, x);
            case word::repeat:
                for (int n = 0; n < l.times; ++n) x = add_lines(i + 1, l.end, x);
                return x;
            case word::arm: return add_lines(i + 1, l.end, x);
            case word::dropout:
            case word::identity: return keeps_all_ ? add(mpar::nothing_op{}, x) : x;
            case word::flatten:
                return keeps_all_ || l.in.h * l.in.w > 1 ? add(mpar::flatten_op{}, x) : x;
            default: return add(layer(l), x);
        }
    }
    int add_arms(const mpar::operation& joins, int i, int x) {
        std::vector<int> values;
        for (int arm = i + 1; arm < net_[i].end; arm = net_[arm].end) {
            values.push_back(add_line(arm, x));
        }
        return graph_.add(joins, values, "join");
    }
    int add(const mpar::operation& o, int x) {
        return graph_.add(o, {x}, "node " + std::to_string(graph_.view().size()));
    }

    static mpar::operation layer(const line& l) {
        using kind = mpar::activation::kind;
        switch (l.is) {
            case word::conv2d: return convolution(l);
            case word::batch_norm: {
                mpar::batch_norm_op o;
                o.channels = l.out;
                o.epsilon = l.is_keras ? 1e-3 : 1e-5;
                return o;
            }
            case word::relu: return activation({kind::relu});
            case word::relu6: return activation({kind::relu6});
            case word::leaky_relu: return activation({kind::leaky_relu, 0.01});
            case word::silu: return activation({kind::silu});
            case word::max_pool: {
                mpar::max_pool_op o;
                o.window = window(l);
                return {o, {}, l.asks};
            }
            case word::avg_pool: {
                mpar::avg_pool_op o;
                o.window = window(l);
                o.count_padding = l.counts;
                return {o, {}, l.asks};
            }
            case word::pad2d: {
                mpar::pad_op o;
                o.margin = {l.rows.before, l.rows.after, l.columns.before, l.columns.after};
                o.how = l.fill;
                return {o, {}, l.asks};
            }
            case word::channels: {
                mpar::channels_op o;
                o.shift = l.first;
                o.count = l.out;
                return {o, {}, l.asks};
            }
            case word::global_avg_pool: return mpar::global_avg_pool_op{};
            case word::dense: {
                mpar::dense_op o;
                o.of.in = l.in.c;
                o.of.out = l.out;
                o.of.bias = true;
                return {o, {}, l.asks};
            }
            case word::softmax: return mpar::softmax_op{};
            default: return {};
        }
    }
    static mpar::operation convolution(const line& l) {
        mpar::conv2d_op o;
        o.of.in = l.in.c;
        o.of.out = l.out;
        o.of.groups = l.groups;
        o.of.bias = l.bias;
        o.of.window = window(l);
        return {o, {}, l.asks};
    }
    static mpar::operation activation(const mpar::activation& how) {
        mpar::operation o = mpar::activate_op{};
        o.act = how;
        return o;
    }

    /// The window with its padding in numbers, however it is written.
    static mpar::sliding window(const line& l) {
        mpar::sliding both{l.rows, l.columns};
        for (auto* t : {&both.h, &both.w}) {
            const int extent = t == &both.h ? l.in.h : l.in.w;
            int missing = 0;
            if (l.how == padding::centred) missing = 2 * ((t->kernel - 1) / 2 * t->dilation);
            if (l.how == padding::same) {
                const int last = (outputs(*t, l.how, extent) - 1) * t->stride;
                missing = std::max(0, last + (t->kernel - 1) * t->dilation + 1 - extent);
            }
            if (l.how != padding::given) {
                t->before = missing / 2;
                t->after = missing - t->before;
            }
        }
        return both;
    }

    const draft& net_;
    bool keeps_all_;
    mpar::dynamic_graph graph_;
};

}  // namespace mpar_test
