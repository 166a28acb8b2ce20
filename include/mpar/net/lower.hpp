// SPDX-License-Identifier: MIT
// From tape to plan: shapes, layouts, fusions. One function, at compile time and at run time.
// Knows no rank and no memory.
#pragma once

#include <mpar/layers/add.hpp>
#include <mpar/layers/concat.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/net/mismatch.hpp>
#include <mpar/net/plan.hpp>

#include <algorithm>
#include <optional>
#include <vector>

namespace mpar {

/// A plan while it is made, and one made at run time.
struct lowered {
    std::vector<step> steps;
    std::vector<tensor> tensors;
    std::vector<parameter> parameters;
    mismatch wrong;  ///< the first fault; the plan ends there

    constexpr plan view() const { return {steps, tensors, parameters}; }
};

namespace detail {

class lowering {
public:
    constexpr lowering(const shape& input, policy given, std::optional<policy> override)
        : override_(override) {
        plan_.tensors.push_back({input, given_by(given)});
        uses_.push_back({});
    }

    constexpr lowered run(std::span<const instruction> tape) {
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

    constexpr void add_layer(const operation& described) {
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
                    s->norm = weights;
                    s->what.epsilon = o.epsilon;
                    return;
                }
                break;
            case op::flatten:
                if (x.h == 1 && x.w == 1) return;
                break;
            case op::global_avg_pool:
                emit(row_sums_phase(), policy::follow, -1);
                emit(mean_rows_phase(x), policy::follow, -1);
                return;
            default: break;
        }
        emit(o, asked(o), weights);
    }

    constexpr bool accepts(const operation& o, const shape& x) {
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
        } else if (!override_ && o.asks != policy::follow && !can_give(o, given_by(o.asks))) {
            fault(mismatch::kind::policy, o.name, x.h * x.w, x.h * x.w, o.asks);
        }
        return !plan_.wrong;
    }

    /// An override holds for the layers that have weights to place and can follow it.
    constexpr policy asked(const operation& o) const {
        if (!override_) return o.asks;
        if (o.kind != op::convolution && o.kind != op::dense) return policy::follow;
        return can_give(o, given_by(*override_)) ? *override_ : policy::none;
    }

    constexpr void emit(const operation& o, policy p, int weights) {
        const tensor x = at(current_);
        step s{.what = o, .where = where_, .x = current_, .weights = weights};
        s.y = static_cast<int>(plan_.tensors.size());
        if (o.kind == op::custom) s.custom = customs_++;
        plan_.tensors.push_back({output_shape(o, x.extents), output_layout(o, p, x.where)});
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
        return k == op::convolution || k == op::dense || k == op::batch_norm || k == op::add;
    }
    static constexpr bool has_filters(op k) { return k == op::convolution || k == op::dense; }
    static constexpr bool takes_norm(const step& s) {
        return has_filters(s.what.kind) && s.norm < 0 && s.residual < 0 &&
               s.what.act == activation{};
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
    constexpr void end_residual() {
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
        const bool cut = at(f.body).where != layout::replicate;
        current_ = cut ? f.body : skip;
        const int other = cut ? skip : f.body;
        emit(sum_of_arms(), policy::follow, -1);
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
    constexpr void end_concat(policy p) {
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
            if (y.where == layout::replicate)
                y.where =
                    output_layout(arm_of_concat(0), override_ ? policy::follow : p, at(arm).where);
        }
        current_ = static_cast<int>(plan_.tensors.size());
        plan_.tensors.push_back(y);
        uses_.push_back({});
        int from = 0;
        for (const int arm : arms) {
            plan_.steps.push_back(
                {.what = arm_of_concat(from), .where = where_, .x = arm, .y = current_});
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
    }

    lowered plan_;
    std::vector<use> uses_;
    std::vector<frame> frames_;
    std::vector<int> arms_;  ///< of the concats around, done so far
    std::optional<policy> override_;
    int current_ = 0, layers_ = 0, customs_ = 0, at_ = 0;
    place where_;
};

}  // namespace detail

/// The plan of a tape. `input`: one image; `given`: what each rank passes of it; `override`: a
/// policy in place of the layers' own, for those that can follow it. A fault is a value in the
/// result.
/// ensures: the same on all ranks, for any number of them.
constexpr lowered lower(std::span<const instruction> tape, const shape& input, policy given,
                        std::optional<policy> override = {}) {
    return detail::lowering(input, given, override).run(tape);
}

}  // namespace mpar
