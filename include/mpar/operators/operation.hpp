// SPDX-License-Identifier: MIT
// One operator of the closed list, as a small value; the only switch over kinds. All else asks it in
// words. Knows no net and no memory.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/operators/kinds/activate.hpp>
#include <mpar/operators/kinds/arithmetic.hpp>
#include <mpar/operators/kinds/batch_norm.hpp>
#include <mpar/operators/kinds/channels.hpp>
#include <mpar/operators/kinds/conv2d.hpp>
#include <mpar/operators/kinds/custom.hpp>
#include <mpar/operators/kinds/dense.hpp>
#include <mpar/operators/kinds/engine.hpp>
#include <mpar/operators/kinds/flatten.hpp>
#include <mpar/operators/kinds/global_avg_pool.hpp>
#include <mpar/operators/kinds/pad.hpp>
#include <mpar/operators/kinds/pool.hpp>
#include <mpar/operators/kinds/softmax.hpp>
#include <mpar/shard/policy.hpp>

#include <array>
#include <span>
#include <string_view>

namespace mpar {

/// The kinds of work that a plan knows.
enum class op : unsigned char {
    conv2d,
    dense,
    batch_norm,
    activate,
    max_pool,
    avg_pool,
    global_avg_pool,
    row_sums,
    mean_rows,
    add,
    multiply,
    pad,
    reduce,
    channels,
    concat,
    flatten,
    softmax,
    custom,
    input,
    result,
    nothing,
};

namespace detail {

template <class Operator>
inline constexpr traits answers_of = Operator::is();

}  // namespace detail

/// What one layer does: an operator with its attributes, how it wants to be computed, and the activation
/// that follows in the same step.
class operation {
public:
    std::string_view name;  ///< as messages and tables print it
    placing asks;           ///< of a plan's step: how it is computed
    activation act;

    constexpr operation() : is_(&detail::answers_of<nothing_op>), kind_(op::nothing), nothing_() {}
    // clang-format off
    constexpr explicit(false) operation(const conv2d_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<conv2d_op>), kind_(op::conv2d), conv2d_(o) {}
    constexpr explicit(false) operation(const dense_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<dense_op>), kind_(op::dense), dense_(o) {}
    constexpr explicit(false) operation(const batch_norm_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<batch_norm_op>), kind_(op::batch_norm), batch_norm_(o) {}
    constexpr explicit(false) operation(const activate_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<activate_op>), kind_(op::activate), activate_(o) {}
    constexpr explicit(false) operation(const max_pool_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<max_pool_op>), kind_(op::max_pool), max_pool_(o) {}
    constexpr explicit(false) operation(const avg_pool_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<avg_pool_op>), kind_(op::avg_pool), avg_pool_(o) {}
    constexpr explicit(false) operation(const global_avg_pool_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<global_avg_pool_op>), kind_(op::global_avg_pool), global_avg_pool_(o) {}
    constexpr explicit(false) operation(const row_sums_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<row_sums_op>), kind_(op::row_sums), row_sums_(o) {}
    constexpr explicit(false) operation(const mean_rows_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<mean_rows_op>), kind_(op::mean_rows), mean_rows_(o) {}
    constexpr explicit(false) operation(const add_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<add_op>), kind_(op::add), add_(o) {}
    constexpr explicit(false) operation(const multiply_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<multiply_op>), kind_(op::multiply), multiply_(o) {}
    constexpr explicit(false) operation(const pad_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<pad_op>), kind_(op::pad), pad_(o) {}
    constexpr explicit(false) operation(const reduce_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<reduce_op>), kind_(op::reduce), reduce_(o) {}
    constexpr explicit(false) operation(const channels_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<channels_op>), kind_(op::channels), channels_(o) {}
    constexpr explicit(false) operation(const concat_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<concat_op>), kind_(op::concat), concat_(o) {}
    constexpr explicit(false) operation(const flatten_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<flatten_op>), kind_(op::flatten), flatten_(o) {}
    constexpr explicit(false) operation(const softmax_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<softmax_op>), kind_(op::softmax), softmax_(o) {}
    constexpr explicit(false) operation(const custom_op& o) : name(o.name), asks(o.asks), is_(&detail::answers_of<custom_op>), kind_(op::custom), custom_(o) {}
    constexpr explicit(false) operation(const input_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<input_op>), kind_(op::input), input_(o) {}
    constexpr explicit(false) operation(const result_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<result_op>), kind_(op::result), result_(o) {}
    constexpr explicit(false) operation(const nothing_op& o, std::string_view n = {}, const placing& p = {}) : name(n), asks(p), is_(&detail::answers_of<nothing_op>), kind_(op::nothing), nothing_(o) {}
    // clang-format on

    /// The same with a name, and with what it asks for.
    constexpr operation called(std::string_view words) const {
        operation o = *this;
        o.name = words;
        return o;
    }
    constexpr operation placed(const placing& p) const {
        operation o = *this;
        o.asks = p;
        return o;
    }

    constexpr op kind() const { return kind_; }
    constexpr const traits& is() const { return *is_; }

    // What few operators have: a visit of all would cost the compiler more.
    constexpr const filters& own_filters() const {
        return kind_ == op::conv2d ? conv2d_.of : dense_.of;
    }
    constexpr filters& own_filters() { return kind_ == op::conv2d ? conv2d_.of : dense_.of; }
    constexpr double own_epsilon() const {
        return kind_ == op::batch_norm ? batch_norm_.epsilon : 0;
    }

    /// f(the operator's struct). O: operation or const operation.
    template <class O, class F>
    friend MPAR_ALWAYS_INLINE constexpr decltype(auto) visit(O& o, F&& f) {
        switch (o.kind_) {
            case op::conv2d: return f(o.conv2d_);
            case op::dense: return f(o.dense_);
            case op::batch_norm: return f(o.batch_norm_);
            case op::activate: return f(o.activate_);
            case op::max_pool: return f(o.max_pool_);
            case op::avg_pool: return f(o.avg_pool_);
            case op::global_avg_pool: return f(o.global_avg_pool_);
            case op::row_sums: return f(o.row_sums_);
            case op::mean_rows: return f(o.mean_rows_);
            case op::add: return f(o.add_);
            case op::multiply: return f(o.multiply_);
            case op::pad: return f(o.pad_);
            case op::reduce: return f(o.reduce_);
            case op::channels: return f(o.channels_);
            case op::concat: return f(o.concat_);
            case op::flatten: return f(o.flatten_);
            case op::softmax: return f(o.softmax_);
            case op::custom: return f(o.custom_);
            case op::input: return f(o.input_);
            case op::result: return f(o.result_);
            case op::nothing: break;
        }
        return f(o.nothing_);
    }

    /// The operator's struct, where its kind is a constant: visit() without the other kinds.
    template <op Kind>
    constexpr const auto& held() const {
        // clang-format off
        if constexpr (Kind == op::conv2d) return conv2d_;
        else if constexpr (Kind == op::dense) return dense_;
        else if constexpr (Kind == op::batch_norm) return batch_norm_;
        else if constexpr (Kind == op::activate) return activate_;
        else if constexpr (Kind == op::max_pool) return max_pool_;
        else if constexpr (Kind == op::avg_pool) return avg_pool_;
        else if constexpr (Kind == op::row_sums) return row_sums_;
        else if constexpr (Kind == op::mean_rows) return mean_rows_;
        else if constexpr (Kind == op::add) return add_;
        else if constexpr (Kind == op::multiply) return multiply_;
        else if constexpr (Kind == op::pad) return pad_;
        else if constexpr (Kind == op::channels) return channels_;
        else if constexpr (Kind == op::flatten) return flatten_;
        else if constexpr (Kind == op::softmax) return softmax_;
        else return nothing_;  // not run by a kernel of its own
        // clang-format on
    }

private:
    const traits* is_;
    op kind_;
    union {
        conv2d_op conv2d_;
        dense_op dense_;
        batch_norm_op batch_norm_;
        activate_op activate_;
        max_pool_op max_pool_;
        avg_pool_op avg_pool_;
        global_avg_pool_op global_avg_pool_;
        row_sums_op row_sums_;
        mean_rows_op mean_rows_;
        add_op add_;
        multiply_op multiply_;
        pad_op pad_;
        reduce_op reduce_;
        channels_op channels_;
        concat_op concat_;
        flatten_op flatten_;
        softmax_op softmax_;
        custom_op custom_;
        input_op input_;
        result_op result_;
        nothing_op nothing_;
    };
};

/// The answers of an operation.
constexpr const traits& traits_of(const operation& o) { return o.is(); }
constexpr bool has_filters(const operation& o) { return traits_of(o).has_filters; }
/// Its filters. requires: has_filters(o).
constexpr const filters& filters_of(const operation& o) { return o.own_filters(); }
/// The operation with filters of other input or output channels; 0: as they are.
constexpr operation with_channels(operation o, int in, int out) {
    if (!has_filters(o)) return o;
    filters& f = o.own_filters();
    if (in) f.in = in;
    if (out) f.out = out;
    return o;
}
/// What a norm that is folded adds to the variance.
constexpr double epsilon_of(const operation& o) { return o.own_epsilon(); }

/// The operation with its padding, channels and extents worked out for those inputs.
constexpr operation resolve(operation o, shapes x) {
    visit(o, [&](auto& a) { a.resolve(x); });
    return o;
}
constexpr operation resolve(const operation& o, const shape& x) { return resolve(o, shapes(&x, 1)); }

/// What `o`, resolved, says against such inputs.
constexpr complaint refuses(const operation& o, shapes x) {
    return visit(o, [&](const auto& a) { return a.refuses(x); });
}

/// The shape rule: what `o`, resolved, gives. An extent of 0: the window does not fit.
constexpr shape output_shape(const operation& o, shapes x) {
    return visit(o, [&](const auto& a) { return a.output(x); });
}
constexpr shape output_shape(const operation& o, const shape& x) {
    return output_shape(o, shapes{&x, 1});
}

/// How an output reads input `i`.
constexpr index_map index_map_of(const operation& o, int i = 0) {
    return visit(o, [i](const auto& a) { return a.reads(i); });
}

/// The index map: what of input `i` of extents x is read for the part `y` of the output.
constexpr box reads(const operation& o, const box& y, const shape& x, int block = 1, int tile = 0,
                    int i = 0) {
    return box_read(index_map_of(o, i), y, x, block, tile);
}

/// Multiplications and additions for the part `y` of the output; x: the first input's extents.
constexpr long flops(const operation& o, const box& y, const shape& x) {
    return visit(o, [&](const auto& a) { return a.flops(y, x); });
}

/// to.add(parameter_form) for each parameter, in the order of its operator.
template <class Sink>
constexpr void parameters_of(const operation& o, Sink& to) {
    visit(o, [&](const auto& a) { a.parameters(to); });
}

/// The kernel's view of a rank's part `y`; of an operation without filters, its channels alone.
constexpr convolution problem_of(const operation& o, range in_channels, const box& y,
                                 int tile = 0) {
    if (has_filters(o)) return filters_of(o).problem(in_channels, y, tile);
    return {index_map_of(o).window, 1, 1, 1, in_channels, y.c, {}};
}

/// Whether two do the same work on equal inputs, the first of extents x.
constexpr bool works_alike(const operation& a, const operation& b, const shape& x) {
    return a.kind() == b.kind() && index_map_of(a, 0) == index_map_of(b, 0) &&
           index_map_of(a, 1) == index_map_of(b, 1) &&
           flops(a, whole(x), x) == flops(b, whole(x), x) &&
           (!has_filters(a) || filters_of(a) == filters_of(b));
}

/// The two steps of an operation that is riding::phases, of an input of extents x.
constexpr std::array<operation, 2> phases_of(const shape& x) {
    mean_rows_op mean;
    mean.divisor = double(x.h) * x.w;
    return {operation(row_sums_op{}, "global_avg_pool: sums of rows"),
            operation(mean, "global_avg_pool: mean of rows")};
}
/// The step of one input of a concat, whose channels begin at `from` of the joined ones.
constexpr operation arm_of_concat(int from) {
    channels_op arm;
    arm.shift = -from;
    return operation(arm, "concat: an arm");
}
/// The step that ends a sum over channels which `o` has cut between ranks.
constexpr operation sum_of_summands(const operation& o) {
    reduce_op sum;
    sum.bias = has_filters(o) && filters_of(o).bias;
    return operation(sum, o.name);
}
/// What joins the arms of a residual, of a product and of a concat.
constexpr operation sum_of_arms() { return operation(add_op{}, "residual: sum"); }
constexpr operation product_of_arms() { return operation(multiply_op{}, "product"); }
constexpr operation joined_arms() { return operation(concat_op{}, "concat"); }
/// What a net gives, and what it takes besides its first input: one image's extents.
constexpr operation end_of_net() { return operation(result_op{}, "result"); }
constexpr operation input_of_net(const shape& image) {
    input_op o;
    o.extents = image;
    return operation(o, "input");
}

}  // namespace mpar
