// SPDX-License-Identifier: MIT
// From graph to plan: shapes, layouts, fusions. One function, at compile time and at run time.
// Knows no rank and no memory.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/graph/choice.hpp>
#include <mpar/net/graph/mismatch.hpp>
#include <mpar/net/plan/layouts.hpp>
#include <mpar/net/plan/plan.hpp>

#include <algorithm>
#include <optional>
#include <span>

namespace mpar {

/// A plan while it is made, and one made at run time.
struct lowered {
    growing<step> steps;
    growing<tensor> tensors;
    growing<parameter> parameters;
    mismatch wrong;  ///< the first fault; the plan ends there

    constexpr plan view() const { return {steps, tensors, parameters}; }
};

namespace detail {

/// Takes the nodes in their order. Most give a step; a norm, an activation or a sum rides on the step
/// that wrote its input, where nobody else reads that.
/// It is a template, so that only a program that lowers a net compiles it.
template <class OnlyIfCalled = void>
class lowering {
public:
    [[gnu::cold]] constexpr lowering(const graph& net, const shape& input, placing given,
                                     const choice& chosen)
        : net_(net), chosen_(chosen) {
        const bool all = given.how == policy::none || given.how == policy::follow;
        given_ = all ? layout::everywhere : given_by(given);
        plan_.steps.reserve(net.size() + 2);  // most often as many, and no copies when it grows
        plan_.tensors.reserve(net.size() + 2);
        plan_.parameters.reserve(4 * net.size());
        plan_.tensors.push_back({input, given_});
        values_.resize(net.size() + 1);
        for (std::size_t i = 0; i < net.size(); ++i) {
            for (const int v : net.inputs(i)) ++values_[std::size_t(v)].readers;
        }
        bool gives = false;
        for (const node& n : net) gives = gives || traits_of(n.does).rides == riding::leaving;
        if (!gives) give(net.output());
        for (std::size_t i = 0; i < net.size(); ++i) {
            const placing p = chosen_.each.empty() ? net[i].does.asks : chosen_.each[i];
            if (p.how == policy::stage) stages_ = std::max(stages_, p.stage + 1);
        }
    }

    [[gnu::cold]] constexpr lowered run() {
        for (std::size_t i = 0; i < net_.size() && !plan_.wrong; ++i) {
            at_ = static_cast<int>(i);
            where_ = net_[i].where;
            if (where_.depth >= place::deepest) {
                fault({misfit::depth, where_.depth, place::deepest - 1}, net_[i].does.name);
                break;
            }
            add_node();
        }
        if (!plan_.wrong) {
            for (const int v : outputs_) {
                step end;
                end.what = end_of_net();
                end.inputs = value_of(v).tensor;
                plan_.steps.push_back(end);
            }
            number();
        }
        return std::move(plan_);
    }

private:
    /// A value of the graph.
    struct value {
        int tensor = 0;   ///< where it lies
        int readers = 0;  ///< nodes that read it
    };

    constexpr tensor& at(int t) { return plan_.tensors[static_cast<std::size_t>(t)]; }
    constexpr value& value_of(int v) { return values_[static_cast<std::size_t>(v)]; }
    /// The i-th value that the node reads, what it lies in, and the value that the node gives.
    constexpr int input(int i) const { return net_.inputs(std::size_t(at_))[std::size_t(i)]; }
    constexpr int tensor_of(int i) { return value_of(input(i)).tensor; }
    constexpr value& given() { return value_of(at_ + 1); }

    constexpr void fault(const complaint& c, std::string_view layer, policy asked = policy::none) {
        plan_.wrong = {c.what, at_, layer, where_, c.takes, c.gives, asked};
    }

    [[gnu::cold]] constexpr void add_node() {
        growing<shape> x;
        for (const int v : net_.inputs(std::size_t(at_))) {
            x.push_back(at(value_of(v).tensor).extents);
        }
        const operation o = resolve(net_[std::size_t(at_)].does, x);
        if (!accepts(o, x)) return;
        const int weights = add_parameters(o);
        switch (traits_of(o).rides) {
            case riding::away: return pass_on();
            case riding::vectors:
                if (x[0].h == 1 && x[0].w == 1) return pass_on();
                break;
            case riding::activation:
                if (step* s = open_producer(input(0)); s && s->what.act == activation{}) {
                    s->what.act = o.act;
                    return pass_on();
                }
                break;
            case riding::norm:
                if (step* s = open_producer(input(0)); s && takes_norm(*s)) {
                    take_norm(*s, weights, epsilon_of(o));
                    return pass_on();
                }
                break;
            case riding::sum:
                if (take_up(0, 1) || take_up(1, 0)) return;
                return emit(o, {}, -1);
            case riding::phases: {
                const auto phases = phases_of(x[0]);
                emit(phases[0], {}, -1);
                return push(phases[1], output_shape(phases[1], at(given().tensor).extents),
                            output_layout(phases[1], {}, at(given().tensor).where, stages_),
                            given().tensor, -1);
            }
            case riding::joining: return join(asked(o));
            case riding::entering:
                given().tensor = int(plan_.tensors.size());
                plan_.tensors.push_back({output_shape(o, x), given_});
                return;
            case riding::leaving: return outputs_.push_back(input(0));
            case riding::never: break;
        }
        emit(o, asked(o), weights);
        if (!plan_.wrong) plan_.steps.back().entry = at_;
    }

    /// The caller reads a value.
    constexpr void give(int v) {
        ++value_of(v).readers;
        outputs_.push_back(v);
    }

    /// Gives on what the node reads, for a node that needs no step.
    constexpr void pass_on() {
        value& from = value_of(input(0));
        given().tensor = from.tensor;
        from.readers += given().readers - 1;
        given().readers = from.readers;
    }

    [[gnu::cold]] constexpr bool accepts(const operation& o, shapes x) {
        if (const complaint c = refuses(o, x)) {
            // "residual: sum" is a step; the fault is the residual's
            fault(c, x.size() > 1 ? o.name.substr(0, o.name.find(": ")) : o.name);
            return false;
        }
        const shape y = output_shape(o, x);
        const policy p = asked(o).how;
        if (y.h < 1) {
            fault({misfit::window, index_map_of(o).window.h.span(), x[0].h}, o.name);
        } else if (y.w < 1) {
            fault({misfit::window, index_map_of(o).window.w.span(), x[0].w}, o.name);
        } else if (p == policy::automatic) {
            fault({misfit::unplanned}, o.name, p);
        } else if (!can_follow(o, p)) {
            const index_map a = index_map_of(o);
            const int pixels = x[0].h * x[0].w;
            if (p != policy::input && p != policy::grid) {
                fault({misfit::policy, pixels, pixels}, o.name, p);
            } else {
                const bool grouped = a.channels == channel_map::grouped;
                fault({misfit::summands,
                       !a.mixes_channels() ? 1
                       : grouped           ? a.group_inputs
                                           : x[0].c,
                       x[0].c},
                      o.name, p);
            }
        }
        return !plan_.wrong;
    }

    /// A policy for all holds for the layers that have weights to place and can follow it.
    constexpr placing asked(const operation& o) const {
        if (!chosen_.each.empty()) return chosen_.each[std::size_t(at_)];
        if (!chosen_.all) return o.asks;
        if (!has_filters(o)) return policy::follow;
        return can_follow(o, chosen_.all->how) ? *chosen_.all : policy::none;
    }

    [[gnu::cold]] constexpr void emit(const operation& o, const placing& p, int weights) {
        const int count = int(net_.inputs(std::size_t(at_)).size());
        tensor_list inputs = tensor_of(0);
        if (count > 1) {
            const int a = tensor_of(0), b = tensor_of(1);
            const bool turned = traits_of(o).follows_second && at(a).where.is_whole();
            inputs = turned ? tensor_list(b, a) : tensor_list(a, b);
        }
        growing<shape> x;
        for (const int t : inputs) x.push_back(at(t).extents);
        const shape y = output_shape(o, x);
        const layout gives = output_layout(o, p, at(inputs[0]).where, stages_);
        if (summed_by(p.how).empty()) {
            push(o, y, gives, inputs, weights);
            plan_.steps.back().what.asks = p;
        } else {
            push(o, y, summands_of(p.how), inputs, weights);
            plan_.steps.back().what.asks = p;
            plan_.steps.back().entry = at_;
            push(sum_of_summands(o), y, gives, given().tensor, weights);
        }
    }
    [[gnu::cold]] constexpr void push(const operation& o, const shape& y, const layout& where,
                                      const tensor_list& inputs, int weights) {
        plan_.steps.push_back({});
        step& s = plan_.steps.back();
        s.what = o;
        s.where = where_;
        s.inputs = inputs;
        s.weights = weights;
        s.epsilon = epsilon_of(o);
        s.y = static_cast<int>(plan_.tensors.size());
        if (traits_of(o).is_of_net) s.custom = customs_++;
        plan_.tensors.push_back({y, where});
        given().tensor = s.y;
    }

    /// The step that wrote a value, when this node alone reads it.
    constexpr step* open_producer(int v) {
        if (value_of(v).readers != 1) return nullptr;
        for (auto& s : plan_.steps) {
            if (s.y == value_of(v).tensor && traits_of(s.what).has_epilogue) return &s;
        }
        return nullptr;
    }
    static constexpr bool sums_filters(const step& s) {
        return has_filters(s.what) || traits_of(s.what).ends_sum;
    }
    static constexpr bool takes_norm(const step& s) {
        return sums_filters(s) && s.norm < 0 && !s.adds && s.what.act == activation{};
    }

    /// Folds a norm into the step before. Where its sum is cut, the summands' filters are scaled,
    /// and the shift is added once, to the sum.
    constexpr void take_norm(step& s, int norm, double epsilon) {
        s.norm = norm;
        s.epsilon = epsilon;
        if (!traits_of(s.what).ends_sum) return;
        for (auto& from : plan_.steps) {
            if (from.y == s.x()) from.norm = norm, from.epsilon = epsilon;
        }
    }

    /// Lets the step that wrote one input add the other at its end: it then comes last of the two.
    [[gnu::cold]] constexpr bool take_up(int mine, int other) {
        step* s = open_producer(input(mine));
        if (!s || !sums_filters(*s) || s->adds || s->what.act != activation{}) return false;
        s->inputs.add(tensor_of(other));
        s->adds = true;
        given().tensor = s->y;
        const auto which = plan_.steps.begin() + (s - plan_.steps.data());
        std::rotate(which, which + 1, plan_.steps.end());
        return true;
    }

    /// Joins channels: each arm becomes a step that writes its channels of one tensor.
    [[gnu::cold]] constexpr void join(const placing& p) {
        const auto arms = net_.inputs(std::size_t(at_));
        tensor y{at(tensor_of(0)).extents};
        y.extents.c = 0;
        for (int i = 0; i < int(arms.size()); ++i) {
            const tensor& arm = at(tensor_of(i));
            y.extents.c += arm.extents.c;
            if (y.where.is_whole())
                y.where = output_layout(arm_of_concat(0), p, arm.where, stages_);
        }
        const int joined = static_cast<int>(plan_.tensors.size());
        plan_.tensors.push_back(y);
        int from = 0;
        for (int i = 0; i < int(arms.size()); ++i) {
            step s{.what = arm_of_concat(from), .where = where_, .inputs = tensor_of(i)};
            s.y = joined;
            s.entry = at_;
            plan_.steps.push_back(s);
            from += at(tensor_of(i)).extents.c;
        }
        given().tensor = joined;
    }

    /// The first of the operation's parameters, or -1.
    constexpr int add_parameters(const operation& o) {
        struct sink {
            lowering& to;
            constexpr void add(const parameter_form& p) {
                to.plan_.parameters.push_back({p, to.layers_, to.where_});
            }
        };
        const int first = static_cast<int>(plan_.parameters.size());
        sink to{*this};
        parameters_of(o, to);
        if (int(plan_.parameters.size()) == first) return -1;
        ++layers_;
        return first;
    }

    /// Numbers the steps, which have their final order now.
    [[gnu::cold]] constexpr void number() {
        growing<int> readers(plan_.tensors.size());
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            const auto& s = plan_.steps[i];
            const int index = static_cast<int>(i);
            for (const int t : s.inputs) {
                at(t).last_reader = index;
                ++readers[std::size_t(t)];
            }
            if (s.y < 0) continue;
            if (at(s.y).producer < 0) at(s.y).producer = index;
            at(s.y).last_reader = index;  // what nobody reads is written all the same
        }
        for (const auto& s : plan_.steps) {
            if (traits_of(s.what).ends_sum && !s.adds && readers[std::size_t(s.y)] == 1) {
                scatter_for_reader(s.y);
            }
        }
        for (const auto& s : plan_.steps) place_parameters(s);
    }
    /// What multiplies in a cut sum is a norm's too, which the step that ends the sum reads later:
    /// it is cut along the axes that cut the channels of both.
    [[gnu::cold]] constexpr void place_parameters(const step& s) {
        if (s.weights < 0) return;
        const layout& y = at(s.y).where;
        const bool ends = traits_of(s.what).ends_sum;
        if (y.c.empty() && y.partial.empty() && y.stage < 0 && !ends) return;  // everywhere
        plan_.view().for_each_parameter(s, [&](int i) {
            auto& p = plan_.parameters[std::size_t(i)];
            layout l = parameter_layout(p, y);
            if (ends && multiplies(p.is)) l.n = l.n.common(p.where.n);
            p.where = l;
        });
    }
    /// A sum's parts go straight to where its only reader takes them, if that is cut as finely.
    constexpr void scatter_for_reader(int t) {
        const auto& reader = plan_.steps[std::size_t(at(t).last_reader)];
        if (reader.x() != t || reader.y < 0) return;
        const layout taken = input_layout(index_map_of(reader.what), at(reader.y).where);
        if (taken.stage < 0 && taken.c.count + taken.h.count + taken.w.count == 2) {
            at(t).where = taken;
        }
    }

    graph net_;
    choice chosen_;
    lowered plan_;
    layout given_;  ///< of the inputs
    growing<value> values_;
    growing<int> outputs_;  ///< values
    int layers_ = 0, customs_ = 0, at_ = 0, stages_ = 1;
    place where_;
};

}  // namespace detail

/// The plan of a graph. `input`: one image; `given`: what each rank passes of it and of further inputs; `chosen`: policies in
/// place of the nodes' own. A fault is a value in the result.
/// ensures: the same on all ranks, for any number of them.
template <class OnlyIfCalled = void>
constexpr lowered lower(const graph& net, const shape& input, const placing& given,
                        const choice& chosen = {}) {
    return detail::lowering<>(net, input, given, chosen).run();
}

}  // namespace mpar
