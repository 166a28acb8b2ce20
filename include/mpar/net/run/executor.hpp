// SPDX-License-Identifier: MIT
// Carries out a rank's actions, one after the other. Owns nothing; knows no net's type, and no order
// but the schedule's.
#pragma once

#include <mpar/net/place/overlap.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/place/schedule.hpp>
#include <mpar/net/run/activations.hpp>
#include <mpar/net/run/step_kernels.hpp>
#include <mpar/net/run/transfer.hpp>
#include <mpar/net/run/workers.hpp>

#include <string>

namespace mpar {

/// What an engine has, at work. A team's members go through the same actions: with teaming::claim they
/// share the units of each kernel, and the first does what is done once.
template <class Backend, class T>
class executor {
public:
    /// What the caller passes and takes, for each input and each output of the plan.
    struct caller {
        const view<const T>* x = nullptr;  ///< of an input, the box `given`
        const box* given = nullptr;
        const view<T>* y = nullptr;  ///< the whole output
    };

    /// requires: all of them live as long. `messages`: nullptr where another member has them.
    executor(const plan& p, const part& mine, team& t, workers<Backend>& w,
             const parameters<Backend, T>& weights, transfer<Backend, T>* messages,
             const activations<Backend, T>& tensors, const net_functions<Backend, T>& functions)
        : plan_(p),
          part_(mine),
          team_(t),
          workers_(w),
          transfer_(messages),
          tensors_(tensors),
          kernels_(p, mine, w, weights, tensors, functions) {}

    /// throws: what kernels, messages and other members fail with.
    void run(const actions& all, const caller& with) {
        for (const action& a : all) {
            switch (a.does) {
                case action::kind::begin: begin(a.step); break;
                case action::kind::bring: bring(a, with); break;
                case action::kind::start: start(std::size_t(a.index)); break;
                case action::kind::finish: finish(std::size_t(a.index)); break;
                case action::kind::clear: clear(a); break;
                case action::kind::compute: compute(a.step, a.what); break;
                case action::kind::fill: fill(a); break;
                case action::kind::fill_rest: compute_rest(a.step); break;
                case action::kind::reduce: reduce(a); break;
                case action::kind::give: give(a, with); break;
                case action::kind::meet: workers_.meet(); break;
            }
        }
    }

    /// Copies what this rank has of an output, computed or received before the net's end, to memory of
    /// its own, and back.
    void keep(int output, const view<T>& to) { move_output(output, to, false); }
    void restore(int output, const view<T>& from) { move_output(output, from, true); }

    /// Waits until all kernels are complete.
    void wait() { queue().finish(); }

private:
    typename Backend::queue& queue() { return workers_.queue(); }
    const tensor_part& memory_of(int t) const { return part_.tensors[std::size_t(t)]; }

    void begin(int i) {
        workers_.announce(i < 0 ? 0 : i, i < 0 ? "input" : plan_.steps[std::size_t(i)].what.name);
    }

    /// Members bring what is theirs; of what comes whole to all, each brings some rows.
    void bring(const action& a, const caller& with) {
        const auto k = std::size_t(a.index);
        const int t = plan_.input_tensor(a.index);
        box given = intersection(a.what, with.given[k]);
        if (plan_.at(t).where.is_whole()) given.h = member_share(given.h);
        if (given.empty()) return;
        workers_.alone([&] {
            Backend::copy(queue(), with.x[k].part(relative(given, with.given[k])),
                          tensors_.region(t, given));
        });
    }
    void give(const action& a, const caller& with) {
        const int t = plan_.output_tensor(a.index);
        workers_.alone([&] {
            Backend::copy(queue(), view<const T>(tensors_.region(t, a.what)),
                          with.y[std::size_t(a.index)]);
        });
    }
    void move_output(int output, const view<T>& kept, bool back) {
        const int t = plan_.output_tensor(output);
        workers_.once([&] {
            const view<T> here = tensors_.region(t, memory_of(t).inside);
            Backend::copy(queue(), view<const T>(back ? kept : here), back ? here : kept);
        });
    }

    /// The last member does it: nobody reads the padding before the step's end, where all meet.
    void clear(const action& a) {
        if (team_.member() != team_.members() - 1) return;
        const auto& m = memory_of(a.index);
        workers_.alone([&] {
            Backend::clear_margin(queue(), tensors_.region(a.index, a.what),
                                  relative(m.inside, m.held));
        });
    }

    void compute(int i, box y) {
        if (in_common(plan_.steps[std::size_t(i)].y)) y.h = member_share(y.h);
        if (y.empty()) return workers_.meet();  // as after a kernel: memory is used again
        kernels_.compute(i, y);
        workers_.meet_after_kernel();
    }
    /// Messages are looked at between two pieces.
    void fill(const action& a) {
        const auto& s = plan_.steps[std::size_t(a.step)];
        const shape& x = plan_.tensors[std::size_t(s.x())].extents;
        const int tile = part_.steps[std::size_t(a.step)].tile;
        for (rest_ = a.what; !rest_.empty() && !is_done(std::size_t(a.index));) {
            box piece = rest_;
            piece.h = detail::first_rows(s.what, rest_, x, tile, part_.of.divides);
            compute(a.step, piece);
            rest_.h.lo = piece.h.hi;
        }
    }
    void compute_rest(int i) {
        if (!rest_.empty()) compute(i, rest_);
    }

    /// y = act(sum of all ranks' summands + shift + residual), for what this rank has of y.
    void reduce(const action& a) {
        const auto e = std::size_t(a.index);
        const auto doing = [&] { return words_of(e); };
        workers_.once([&] {
            transfer_->wait(e, doing);
            for (const auto& sum : part_.exchanges[e].sums) {
                kernels_.end_sum(a.step, sum.what, added_up(e, sum));
            }
        });
    }
    view<T> added_up(std::size_t e, const cut_sum& sum) {
        const auto summands = transfer_->room(sum.summands.size());
        for (std::size_t k = 0; k < summands.size(); ++k) {
            const auto& from = sum.summands[k];
            summands[k] = from.where == summand::place::absent ? view<T>{}
                          : from.where == summand::place::here
                              ? tensors_.region_of(from.which, part_.exchanges[e].tensor, sum.what)
                              : transfer_->received(e, std::size_t(from.which));
        }
        return add_up<Backend, T>(queue(), summands);
    }

    void start(std::size_t e) {
        const int t = part_.exchanges[e].tensor;
        workers_.once(
            [&] { transfer_->start(queue(), e, tensors_.whole_of(t), memory_of(t).held); });
    }
    bool is_done(std::size_t e) {
        return workers_.ask([&] { return transfer_->is_done(e); });
    }
    void finish(std::size_t e) {
        const int t = part_.exchanges[e].tensor;
        const auto doing = [&] { return words_of(e); };
        workers_.once(
            [&] { transfer_->finish(queue(), e, tensors_.whole_of(t), memory_of(t).held, doing); });
    }
    std::string words_of(std::size_t which) const {
        const exchange& e = part_.exchanges[which];
        return std::string(name_of(e.name)) + " before step " + std::to_string(e.before_step) +
               " (" + std::string(plan_.steps[std::size_t(e.before_step)].what.name) + ")";
    }

    /// Whether every member of the team is to have the whole of tensor t in the memory of all.
    bool in_common(int t) const {
        return !workers_.shares_kernels() && team_.members() > 1 &&
               plan_.tensors[std::size_t(t)].where.is_whole();
    }
    /// What this member does of rows that all are to have; few are left to the first.
    range member_share(range rows) const {
        if (rows.size() < team_.members()) return team_.leads() ? rows : range{};
        const range mine = cut(rows.size(), {team_.member(), team_.members()});
        return {rows.lo + mine.lo, rows.lo + mine.hi};
    }

    const plan& plan_;
    const part& part_;
    team& team_;
    workers<Backend>& workers_;
    transfer<Backend, T>* transfer_;
    const activations<Backend, T>& tensors_;
    step_kernels<Backend, T> kernels_;
    box rest_{};  ///< that fill has left
};

}  // namespace mpar
