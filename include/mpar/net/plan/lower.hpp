// SPDX-License-Identifier: MIT
// From tape to plan: shapes, layouts, fusions. One function, at compile time and at run time.
// Knows no rank and no memory.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/layers/add.hpp>
#include <mpar/layers/concat.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/layers/reduce.hpp>
#include <mpar/net/graph/choice.hpp>
#include <mpar/net/graph/mismatch.hpp>
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

/// A template, so that only who lowers a net compiles it.
template <class = void>
class lowering {
public:
    constexpr lowering(const shape& input, placing given, const choice& chosen) : chosen_(chosen) {
        const bool all = given.how == policy::none || given.how == policy::follow;
        plan_.tensors.push_back({input, all ? layout::everywhere : given_by(given)});
        uses_.push_back({});
    }

    [[gnu::cold]] constexpr lowered run(std::span<const instruction> tape) {
        for (std::size_t i = 0; i < tape.size(); ++i) {
            const placing p = chosen_.each.empty() ? tape[i].does.asks : chosen_.each[i];
            if (p.how == policy::stage) stages_ = std::max(stages_, p.stage + 1);
        }
        for (std::size_t i = 0; i < tape.size() && !plan_.wrong; ++i) {
            at_ = static_cast<int>(i);
            const auto& entry = tape[i];
            where_ = entry.where;
            if (where_.depth >= place::deepest) {
                fault(mismatch::kind::depth, entry.does.name, where_.depth, place::deepest - 1);
                break;
            }
            switch (entry.what) {
                case instruction::kind::layer: add_layer(entry.does); break;
                case instruction::kind::residual_begin: begin_residual(); break;
                case instruction::kind::skip_begin: begin_skip(); break;
                case instruction::kind::residual_end: end_residual(); break;
                case instruction::kind::concat_begin: begin_residual(); break;
                case instruction::kind::next_arm: next_arm(); break;
                case instruction::kind::concat_end: end_concat(entry.does.asks); break;
            }
        }
        if (!plan_.wrong) {
            step end;
            end.what.kind = op::result;
            end.what.name = "result";
            end.x = current_;
            plan_.steps.push_back(end);
            number();
        }
        return std::move(plan_);
    }

private:
    struct use {
        int readers = 0;  ///< steps that read it so far
        int kept = 0;     ///< residual blocks and concats around that still need it as it is
    };
    struct frame {
        int entry = 0, body = 0;
        std::size_t first_arm = 0;  ///< of a concat, in arms_
    };

    constexpr tensor& at(int t) { return plan_.tensors[static_cast<std::size_t>(t)]; }
    constexpr use& uses(int t) { return uses_[static_cast<std::size_t>(t)]; }

    constexpr void fault(mismatch::kind k, std::string_view layer, int takes, int gives,
                         policy asked = policy::none) {
        if (!plan_.wrong) plan_.wrong = {k, at_, layer, where_, takes, gives, asked};
    }

    [[gnu::cold]] constexpr void add_layer(const operation& described) {
        const shape x = at(current_).extents;
        const operation o = resolve(described, x);
        if (!accepts(o, x)) return;
        const int weights = add_parameters(o);
        switch (o.kind) {
            case op::nothing: return;
            case op::activate:
                if (step* s = open_producer(); s && s->what.act == activation{}) {
                    s->what.act = o.act;
                    return;
                }
                break;
            case op::batch_norm:
                if (step* s = open_producer(); s && takes_norm(*s)) {
                    take_norm(*s, weights, o.epsilon);
                    return;
                }
                break;
            case op::flatten:
                if (x.h == 1 && x.w == 1) return;
                break;
            case op::global_avg_pool:
                emit(row_sums_phase(), {}, -1);
                emit(mean_rows_phase(x), {}, -1);
                return;
            default: break;
        }
        emit(o, asked(o), weights);
    }

    [[gnu::cold]] constexpr bool accepts(const operation& o, const shape& x) {
        if (o.in && o.in != x.c) {
            fault(mismatch::kind::channels, o.name, o.in, x.c);
        } else if (o.kind == op::channels && (o.out < 1 || o.shift + o.out > x.c)) {
            fault(mismatch::kind::slice, o.name, o.shift + std::max(o.out, 1), x.c);
        } else if (o.groups > 1 && (o.in % o.groups || o.out % o.groups)) {
            fault(mismatch::kind::groups, o.name, o.groups, o.in % o.groups ? o.in : o.out);
        } else if (o.kind == op::dense && (x.h != 1 || x.w != 1)) {
            fault(mismatch::kind::features, o.name, o.in, x.h * x.w);
        } else if (const shape y = output_shape(o, x); y.h < 1) {
            fault(mismatch::kind::window, o.name, o.window.h.span(), x.h);
        } else if (y.w < 1) {
            fault(mismatch::kind::window, o.name, o.window.w.span(), x.w);
        } else if (const policy p = asked(o).how; p == policy::automatic) {
            fault(mismatch::kind::unplanned, o.name, 0, 0, p);
        } else if (!can_follow(o, p)) {
            const bool sums = p == policy::input || p == policy::grid;
            fault(sums ? mismatch::kind::summands : mismatch::kind::policy, o.name,
                  sums ? o.mixes_channels ? x.c / o.groups : 1 : x.h * x.w, sums ? x.c : x.h * x.w,
                  p);
        }
        return !plan_.wrong;
    }

    /// A policy for all holds for the layers that have weights to place and can follow it.
    constexpr placing asked(const operation& o) const {
        if (!chosen_.each.empty()) return chosen_.each[std::size_t(at_)];
        if (!chosen_.all) return o.asks;
        if (o.kind != op::convolution && o.kind != op::dense) return policy::follow;
        return can_follow(o, chosen_.all->how) ? *chosen_.all : policy::none;
    }

    [[gnu::cold]] constexpr void emit(operation o, const placing& p, int weights) {
        o.asks = p;
        const tensor x = at(current_);
        const shape y = output_shape(o, x.extents);
        const layout gives = output_layout(o, p, x.where, stages_);
        if (summed_by(p.how).empty()) {
            push(o, y, gives, weights);
        } else {
            push(o, y, summands_of(p.how), weights);
            push(sum_of_summands(o), y, gives, weights);
        }
    }
    constexpr void push(const operation& o, const shape& y, const layout& where, int weights) {
        step s{.what = o, .where = where_, .x = current_, .weights = weights};
        s.y = static_cast<int>(plan_.tensors.size());
        s.entry = at_;
        if (o.kind == op::custom) s.custom = customs_++;
        plan_.tensors.push_back({y, where});
        uses_.push_back({});
        ++uses(current_).readers;
        plan_.steps.push_back(s);
        current_ = s.y;
    }

    /// The step that wrote the current tensor, when nobody else has or will read it as it is.
    constexpr step* open_producer() {
        if (uses(current_).readers || uses(current_).kept) return nullptr;
        for (auto& s : plan_.steps) {
            if (s.y == current_ && has_epilogue(s.what.kind)) return &s;
        }
        return nullptr;
    }
    static constexpr bool has_epilogue(op k) {
        return has_filters(k) || k == op::batch_norm || k == op::add;
    }
    /// Or sums up what filters have given.
    static constexpr bool has_filters(op k) {
        return k == op::convolution || k == op::dense || k == op::reduce;
    }
    static constexpr bool takes_norm(const step& s) {
        return has_filters(s.what.kind) && s.norm < 0 && s.residual < 0 &&
               s.what.act == activation{};
    }

    /// Of a cut sum, the summands' filters are scaled, the sum is shifted.
    constexpr void take_norm(step& s, int norm, double epsilon) {
        s.norm = norm;
        s.what.epsilon = epsilon;
        if (s.what.kind != op::reduce) return;
        for (auto& from : plan_.steps) {
            if (from.y == s.x) from.norm = norm, from.what.epsilon = epsilon;
        }
    }

    constexpr void begin_residual() {
        ++uses(current_).kept;
        frames_.push_back({current_, 0, arms_.size()});
    }
    constexpr void begin_skip() {
        frames_.back().body = current_;
        ++uses(current_).kept;
        current_ = frames_.back().entry;
    }
    [[gnu::cold]] constexpr void end_residual() {
        const frame f = frames_.back();
        frames_.pop_back();
        --uses(f.entry).kept;
        --uses(f.body).kept;
        const int skip = current_;
        const shape a = at(f.body).extents, b = at(skip).extents;
        if (a != b) {
            const bool channels = a.c != b.c, rows = a.h != b.h;
            fault(mismatch::kind::arms, "residual",
                  channels ? a.c
                  : rows   ? a.h
                           : a.w,
                  channels ? b.c
                  : rows   ? b.h
                           : b.w);
            return;
        }
        if (take_up(f.body, skip) || take_up(skip, f.body)) return;
        const bool cut = !at(f.body).where.is_whole();
        current_ = cut ? f.body : skip;
        const int other = cut ? skip : f.body;
        emit(sum_of_arms(), {}, -1);
        plan_.steps.back().residual = other;
        ++uses(other).readers;
    }

    /// Lets the step that wrote `arm` add `other` in its epilogue: it then comes last of the two.
    constexpr bool take_up(int arm, int other) {
        current_ = arm;
        step* s = arm == other ? nullptr : open_producer();
        if (!s || !has_filters(s->what.kind) || s->residual >= 0 || s->what.act != activation{}) {
            return false;
        }
        s->residual = other;
        ++uses(other).readers;
        const auto which = plan_.steps.begin() + (s - plan_.steps.data());
        std::rotate(which, which + 1, plan_.steps.end());
        return true;
    }

    constexpr void next_arm() {
        arms_.push_back(current_);
        ++uses(current_).kept;
        current_ = frames_.back().entry;
    }
    /// One step an arm, each of which writes its channels of one tensor.
    [[gnu::cold]] constexpr void end_concat(const placing& p) {
        next_arm();
        const frame f = frames_.back();
        frames_.pop_back();
        --uses(f.entry).kept;
        const std::span<const int> arms = std::span(arms_).subspan(f.first_arm);
        tensor y{at(arms.front()).extents};
        y.extents.c = 0;
        for (const int arm : arms) {
            --uses(arm).kept;
            const shape a = at(arm).extents;
            if (a.h != y.extents.h || a.w != y.extents.w) {
                const bool rows = a.h != y.extents.h;
                return fault(mismatch::kind::concat, "concat", rows ? y.extents.h : y.extents.w,
                             rows ? a.h : a.w);
            }
            y.extents.c += a.c;
            if (y.where.is_whole()) {
                const placing asked = !chosen_.each.empty() ? chosen_.each[std::size_t(at_)]
                                      : chosen_.all         ? placing{}
                                                            : p;
                y.where = output_layout(arm_of_concat(0), asked, at(arm).where, stages_);
            }
        }
        current_ = static_cast<int>(plan_.tensors.size());
        plan_.tensors.push_back(y);
        uses_.push_back({});
        int from = 0;
        for (const int arm : arms) {
            plan_.steps.push_back({.what = arm_of_concat(from),
                                   .where = where_,
                                   .x = arm,
                                   .y = current_,
                                   .entry = at_});
            ++uses(arm).readers;
            from += at(arm).extents.c;
        }
        arms_.resize(f.first_arm);
    }

    constexpr int add_parameters(const operation& o) {
        using role = parameter::role;
        const int first = static_cast<int>(plan_.parameters.size());
        switch (o.kind) {
            case op::convolution:
                add_parameter(role::filters, "weight",
                              {o.out, o.in / o.groups, o.window.h.kernel, o.window.w.kernel}, 4);
                break;
            case op::dense: add_parameter(role::filters, "weight", {o.out, o.in}, 2); break;
            case op::batch_norm:
                add_parameter(role::scale, "weight", {o.in}, 1);
                add_parameter(role::shift, "bias", {o.in}, 1);
                add_parameter(role::mean, "running_mean", {o.in}, 1);
                add_parameter(role::variance, "running_var", {o.in}, 1);
                break;
            case op::custom:
                for (int i = 0; i < o.parameter_count; ++i) {
                    const auto& p = o.parameters[static_cast<std::size_t>(i)];
                    add_parameter(role::custom, p.name, p.extents, p.rank);
                }
                break;
            default: return -1;
        }
        if (o.bias) add_parameter(role::bias, "bias", {o.out}, 1);
        ++layers_;
        return first;
    }
    constexpr void add_parameter(parameter::role is, std::string_view suffix,
                                 const std::array<int, 4>& extents, int rank) {
        plan_.parameters.push_back({is, layers_, where_, suffix, extents, rank});
    }

    /// Steps have their final order now.
    constexpr void number() {
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            const auto& s = plan_.steps[i];
            const int index = static_cast<int>(i);
            at(s.x).last_reader = index;
            if (s.residual >= 0) at(s.residual).last_reader = index;
            if (s.y >= 0 && at(s.y).producer < 0) at(s.y).producer = index;
        }
        for (const auto& s : plan_.steps) {
            if (s.what.kind == op::reduce && s.residual < 0) scatter_for_reader(s.y);
        }
    }
    /// A sum's parts go straight to where its only reader takes them, if that is cut as finely.
    constexpr void scatter_for_reader(int t) {
        if (uses(t).readers != 1) return;
        const auto& reader = plan_.steps[std::size_t(at(t).last_reader)];
        if (reader.x != t || reader.y < 0) return;
        const layout taken = input_layout(reader.what, at(reader.y).where);
        if (taken.stage < 0 && taken.c.count + taken.h.count + taken.w.count == 2) {
            at(t).where = taken;
        }
    }

    lowered plan_;
    growing<use> uses_;
    growing<frame> frames_;
    growing<int> arms_;  ///< of the concats around, done so far
    choice chosen_;
    int current_ = 0, layers_ = 0, customs_ = 0, at_ = 0, stages_ = 1;
    place where_;
};

}  // namespace detail

/// The plan of a tape. `input`: one image; `given`: what each rank passes of it; `chosen`: policies
/// in place of the layers' own. A fault is a value in the result.
/// ensures: the same on all ranks, for any number of them.
template <class = void>
constexpr lowered lower(std::span<const instruction> tape, const shape& input, const placing& given,
                        const choice& chosen = {}) {
    return detail::lowering<>(input, given, chosen).run(tape);
}

}  // namespace mpar
