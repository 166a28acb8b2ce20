// SPDX-License-Identifier: MIT
// A box of one step's output on one rank: from boxes to views, from views to the step's kernel. Knows
// no order of steps and no message.
#pragma once

#include <mpar/core/math.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/run/activations.hpp>
#include <mpar/net/run/execute.hpp>
#include <mpar/net/run/parameters.hpp>
#include <mpar/net/run/workers.hpp>

#include <algorithm>

namespace mpar {

/// The kernels of a rank's steps, on the memory of its tensors and weights. Owns nothing.
template <class Backend, class T>
class step_kernels {
public:
    /// requires: all of them live as long.
    step_kernels(const plan& p, const part& mine, workers<Backend>& w,
                 const parameters<Backend, T>& weights, const activations<Backend, T>& tensors,
                 const net_functions<Backend, T>& functions)
        : plan_(p),
          part_(mine),
          workers_(w),
          weights_(weights),
          tensors_(tensors),
          functions_(functions) {}

    /// Computes `y` of step i's output; of a sum that is cut, this rank's summands. requires: not empty.
    void compute(int i, const box& y) {
        if (traits_of(plan_.steps[std::size_t(i)].what).is_of_net) {
            compute_custom(i, y);
        } else {
            compute_part(i, y);
        }
    }

    /// y = act(all + shift + residual) for a box of step i's output, whose summands are added up.
    void end_sum(int i, const box& what, const view<T>& all) {
        const auto& s = plan_.steps[std::size_t(i)];
        const view<T> y = tensors_.region(s.y, what);
        const int channel = what.c.lo - part_.steps[std::size_t(i)].y.c.lo;
        const bool ends = !s.adds;
        Backend::affine(queue(), view<const T>(all), weights_.weights(i) + channel,
                        weights_.bias(i) + channel, ends ? s.what.act : activation{},
                        ends ? y : all);  // y may lie where the residual does
        if (ends) return;
        Backend::add(queue(), view<const T>(all),
                     view<const T>(tensors_.region(s.residual(), what)), s.what.act, y);
    }

private:
    typename Backend::queue& queue() { return workers_.queue(); }

    void compute_part(int i, const box& y) {
        const int leaves = int(part_.steps[std::size_t(i)].leaves.size());
        if (leaves == 0) return run(i, arguments_of(i, y));
        add_leaves(i, y, {0, leaves}, 0);
    }
    void run(int i, const arguments<Backend, T>& a) {
        const auto& s = plan_.steps[std::size_t(i)];
        if (functions_.steps) return functions_.steps[i](a);
        execute<Backend, T>(s.what, a, s.custom < 0 ? nullptr : functions_.customs[s.custom]);
    }

    /// This rank's summands of a cut sum, added up on one level of memory by a tree of pairs, the
    /// same on any number of ranks that is a power of two. Returns whether there are any.
    bool add_leaves(int i, const box& y, range leaves, int level) {
        const int t = plan_.steps[std::size_t(i)].y;
        if (leaves.size() == 1) {
            if (part_.steps[std::size_t(i)].leaves[std::size_t(leaves.lo)].empty()) return false;
            run(i, arguments_of(i, y, leaves.lo, level));
            return true;
        }
        const int middle = (leaves.lo + leaves.hi) / 2;
        const bool left = add_leaves(i, y, {leaves.lo, middle}, level);
        const bool right = add_leaves(i, y, {middle, leaves.hi}, level + 1);
        if (!right) return left;
        const view<T> a = tensors_.region(t, y, level), b = tensors_.region(t, y, level + 1);
        if (left) {
            Backend::add(queue(), view<const T>(a), view<const T>(b), activation{}, a);
        } else {
            Backend::copy(queue(), view<const T>(b), a);
        }
        return true;
    }

    /// A user's layer knows nothing of teams: its output is divided for it where it can be.
    void compute_custom(int i, const box& y) {
        const auto& s = plan_.steps[std::size_t(i)];
        // Lanes without a channel are zero; a user's layer need not know of them.
        const auto& m = part_.tensors[std::size_t(s.y)];
        if (m.held.c.size() % Backend::template block<T> != 0) {
            const auto clear = [&] {
                Backend::clear_margin(queue(), tensors_.region(s.y, y), box{});
            };
            workers_.shares_kernels() ? workers_.once(clear) : workers_.alone(clear);
        }
        const int parts = part_.of.divides.parts_each * (workers_.count() - 1) + 1;
        const int units = std::min(y.h.size(), parts);
        workers_.share(units, [&](int u) {
            box b = y;
            const range rows = cut(y.h.size(), {u, units});
            b.h = {y.h.lo + rows.lo, y.h.lo + rows.hi};
            compute_part(i, b);
        });
    }

    shape extents_of(int t) const {
        shape s = plan_.tensors[std::size_t(t)].extents;
        s.n = part_.of.batch;
        return s;
    }
    view<T> second_of(const step& s, const box& y) const {
        if (s.second() < 0) return {};
        const shape all = extents_of(s.second());
        return tensors_.region(s.second(), box_read(s.reads_input(1), y, all, part_.of.block));
    }
    /// For the part `y` of step i's output; of a cut sum, for one leaf, on a level of memory.
    arguments<Backend, T> arguments_of(int i, const box& y, int leaf = -1, int level = 0) {
        const auto& s = plan_.steps[std::size_t(i)];
        const auto& p = part_.steps[std::size_t(i)];
        const shape image = extents_of(s.x());
        box x = reads(s.what, y, image, part_.of.block, p.tile);
        if (leaf >= 0) x.c = p.leaves[std::size_t(leaf)];
        return {.queue = queue(),
                .x = tensors_.region(s.x(), x),
                .second = second_of(s, y),
                .residual = s.adds ? tensors_.region(s.residual(), y) : view<T>{},
                .y = tensors_.region(s.y, y, level),
                .where = y,
                .from = x,
                .whole = image,
                .tile = p.tile,
                .padding = {std::max(0, -x.h.lo), std::max(0, x.h.hi - image.h),
                            std::max(0, -x.w.lo), std::max(0, x.w.hi - image.w)},
                .weights = weights_.weights(i, std::max(leaf, 0)),
                .bias = weights_.bias(i),
                .workspace = tensors_.workspace()};
    }

    const plan& plan_;
    const part& part_;
    workers<Backend>& workers_;
    const parameters<Backend, T>& weights_;
    const activations<Backend, T>& tensors_;
    const net_functions<Backend, T>& functions_;
};

}  // namespace mpar
