// SPDX-License-Identifier: MIT
// One forward on one rank: exchanges and kernels in the order of the steps. Owns nothing; knows no
// net's type.
#pragma once

#include <mpar/net/run/activations.hpp>
#include <mpar/net/run/execute.hpp>
#include <mpar/net/place/overlap.hpp>
#include <mpar/net/run/parameters.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/run/transfer.hpp>
#include <mpar/net/run/workers.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace mpar {

/// What an engine has, at work. For each step
///   exchange   - what its readers need of x and other seats own arrives (halo, all-gather ...)
///   clear      - y's padding becomes zero
///   run        - the kernel computes this seat's part of y; a team's members share its units
/// and at last the output is gathered for the caller.
template <class Backend, class T>
class executor {
public:
    /// requires: all of them live as long. `messages`: nullptr where another member has them.
    executor(const plan& p, const part& mine, team& t, workers<Backend>& w,
             const parameters<Backend, T>& weights, transfer<Backend, T>* messages,
             const activations<Backend, T>& tensors, const net_functions<Backend, T>& functions)
        : plan_(p), part_(mine), team_(t), workers_(w), weights_(weights), transfer_(messages),
          tensors_(tensors), functions_(functions) {}

    /// All steps but the last, which gather() does. x: the box `given` of the images.
    void run(const view<const T>& x, const box& given) {
        bring_in(x, given);
        std::size_t next = 0;  // exchange
        auto sliced = part_.slices.begin();
        for (int i = 0; i + 1 < int(plan_.steps.size());) {
            if (sliced != part_.slices.end() && sliced->first == i) {
                next = exchange_before(i, next);
                run_slices(*sliced);
                i = sliced++->end;
            } else {
                next = run_whole(i++, next);
            }
        }
    }

    /// The result: y is whole on every rank.
    void gather(const view<T>& y) {
        const int last = int(plan_.steps.size()) - 1;
        const auto& s = plan_.steps[std::size_t(last)];
        workers_.announce(last, s.what.name);
        std::size_t next = 0;
        while (next < part_.exchanges.size() && part_.exchanges[next].before_step != last) ++next;
        exchange_before(last, next);
        workers_.alone([&] {
            Backend::copy(queue(),
                          view<const T>(tensors_.region(s.x(), part_.steps[std::size_t(last)].x)), y);
        });
        workers_.meet();  // nobody brings the next images in while another reads the output
        queue().finish();
    }

    /// What this rank has computed of the output, copied to or from memory of its own.
    void keep(const view<T>& to) { move_output(to, false); }
    void restore(const view<T>& from) { move_output(from, true); }

private:
    typename Backend::queue& queue() { return workers_.queue(); }
    const tensor_part& memory_of(int t) const { return part_.tensors[std::size_t(t)]; }

    void move_output(const view<T>& kept, bool back) {
        const int t = plan_.steps.back().x();
        workers_.once([&] {
            const view<T> here = tensors_.region(t, memory_of(t).owned);
            Backend::copy(queue(), view<const T>(back ? kept : here), back ? here : kept);
        });
    }

    /// Those exchanges before step i that are not under way; summands stay where they arrive.
    std::size_t exchange_before(int i, std::size_t next) {
        for (; next < part_.exchanges.size() && part_.exchanges[next].before_step == i &&
               !part_.exchanges[next].overlapped;
             ++next) {
            start(next);
            if (!part_.exchanges[next].keeps) finish(next);
        }
        return next;
    }

    /// Step i on all images, from exchange `next` on. Returns the exchange after it.
    std::size_t run_whole(int i, std::size_t next) {
        const auto& s = plan_.steps[std::size_t(i)];
        workers_.announce(i, s.what.name);
        next = exchange_before(i, next);
        if (part_.steps[std::size_t(i)].in_place) return next;
        clear_padding(s.y, memory_of(s.y).held.n);
        if (traits_of(s.what).ends_sum) {
            reduce(i);
            return next;
        }
        const bool awaits =
            next < part_.exchanges.size() && part_.exchanges[next].before_step == i;
        run_step(i, awaits ? int(next++) : -1);
        return next;
    }

    /// Steps that need no message, on some images after the others, so that what one writes the next
    /// finds in the caches.
    void run_slices(const slicing& these) {
        const range all = part_.steps[std::size_t(these.first)].y.n;
        for (range images{all.lo, all.lo}; images.hi < all.hi;) {
            images = {images.hi, std::min(images.hi + these.images, all.hi)};
            for (int i = these.first; i < these.end; ++i) {
                const auto& s = plan_.steps[std::size_t(i)];
                const auto& mine = part_.steps[std::size_t(i)];
                if (mine.in_place) continue;
                workers_.announce(i, s.what.name);
                const auto& m = memory_of(s.y);
                range cleared = images;  // and of images that come from others
                if (!m.images && images.lo == all.lo) cleared.lo = m.held.n.lo;
                if (!m.images && images.hi == all.hi) cleared.hi = m.held.n.hi;
                clear_padding(s.y, cleared);
                box y = mine.y;
                y.n = images;
                run_box(i, y);
            }
        }
    }

    /// Members bring what is theirs; of what comes whole to all, each brings some rows.
    void bring_in(const view<const T>& x, const box& all) {
        const auto& m = memory_of(0);
        workers_.announce(0, "input");
        box given = intersection(m.inside, all);
        if (plan_.tensors.front().where.is_whole()) given.h = member_share(given.h);
        workers_.alone([&] {
            if (team_.leads()) clear_margin(0, m.held.n);
            if (given.empty()) return;
            Backend::copy(queue(), x.part(relative(given, all)), tensors_.region(0, given));
        });
        workers_.meet();
    }

    /// Middle and edges of y in an order in which messages travel meanwhile: those for the next step
    /// leave as soon as those for this one have come. `awaited`: the overlapped exchange that brings what
    /// the step's edges read; -1: none.
    void run_step(int i, int awaited) {
        const auto& mine = part_.steps[std::size_t(i)];
        const int sent = overlapped_of(plan_.steps[std::size_t(i)].y);
        if (awaited >= 0) {
            run_awaiting(i, awaited, sent);
        } else if (sent >= 0 && !mine.late.empty()) {
            run_around(i, mine.late);
            start(std::size_t(sent));
            run_box(i, mine.late);
        } else {
            run_box(i, mine.y);
            if (sent >= 0) start(std::size_t(sent));
        }
    }

    /// The middle in pieces, between which messages are looked at; the edges as soon as these have come.
    void run_awaiting(int i, int awaited, int sent) {
        const auto& s = plan_.steps[std::size_t(i)];
        const auto& mine = part_.steps[std::size_t(i)];
        const shape& x = plan_.tensors[std::size_t(s.x())].extents;
        bool waits = true;
        const auto run_edges = [&] {
            finish(std::size_t(awaited));
            run_around(i, mine.early);
            if (sent >= 0 && mine.sends_edges) start(std::size_t(sent));
            waits = false;
        };
        for (box rest = mine.early; !rest.empty();) {
            if (waits && is_done(std::size_t(awaited))) run_edges();
            box piece = rest;
            if (waits) piece.h = detail::first_rows(s.what, rest, x, mine.tile);
            run_box(i, piece);
            rest.h.lo = piece.h.hi;
        }
        if (waits) run_edges();
        if (sent >= 0 && !mine.sends_edges) start(std::size_t(sent));
    }

    /// All of y but its middle.
    void run_around(int i, const box& middle) {
        const box& y = part_.steps[std::size_t(i)].y;
        box above = y, below = y, left = y, right = y;
        above.h.hi = middle.h.lo, below.h.lo = middle.h.hi;
        left.h = right.h = middle.h;
        left.w.hi = middle.w.lo, right.w.lo = middle.w.hi;
        for (const box& edge : {above, below, left, right}) {
            if (!edge.empty()) run_box(i, edge);
        }
    }
    void run_box(int i, box y) {
        const auto& s = plan_.steps[std::size_t(i)];
        if (in_common(s.y)) y.h = member_share(y.h);
        if (y.empty()) return workers_.meet();  // as after a kernel: memory is used again
        if (traits_of(s.what).is_of_net) {
            run_custom(i, y);
        } else {
            run_part(i, y);
        }
        workers_.meet_after_kernel();
    }
    void run_part(int i, const box& y) {
        const int leaves = int(part_.steps[std::size_t(i)].leaves.size());
        if (leaves == 0) return run_kernel(i, arguments_of(i, y));
        run_leaves(i, y, {0, leaves}, 0);
    }
    void run_kernel(int i, const arguments<Backend, T>& a) {
        const auto& s = plan_.steps[std::size_t(i)];
        if (functions_.steps) return functions_.steps[i](a);
        execute<Backend, T>(s.what, a, s.custom < 0 ? nullptr : functions_.customs[s.custom]);
    }

    /// This rank's summands of a cut sum, added up on one level of memory by a tree of pairs, the
    /// same on any number of ranks that is a power of two. Returns whether there are any.
    bool run_leaves(int i, const box& y, range leaves, int level) {
        const int t = plan_.steps[std::size_t(i)].y;
        if (leaves.size() == 1) {
            if (part_.steps[std::size_t(i)].leaves[std::size_t(leaves.lo)].empty()) return false;
            run_kernel(i, arguments_of(i, y, leaves.lo, level));
            return true;
        }
        const int middle = (leaves.lo + leaves.hi) / 2;
        const bool left = run_leaves(i, y, {leaves.lo, middle}, level);
        const bool right = run_leaves(i, y, {middle, leaves.hi}, level + 1);
        if (!right) return left;
        const view<T> a = tensors_.region(t, y, level), b = tensors_.region(t, y, level + 1);
        if (left) {
            Backend::add(queue(), view<const T>(a), view<const T>(b), activation{}, a);
        } else {
            Backend::copy(queue(), view<const T>(b), a);
        }
        return true;
    }

    /// y = act(sum of all ranks' summands + shift + residual), for what this rank has of y.
    void reduce(int i) {
        const auto& s = plan_.steps[std::size_t(i)];
        const auto which = std::size_t(exchange_of(i, s.x()));
        const auto& e = part_.exchanges[which];
        const box& mine = part_.steps[std::size_t(i)].y;
        const auto add = [&](const cut_sum& sum) {
            const auto summands = transfer_->room(sum.summands.size());
            for (std::size_t k = 0; k < summands.size(); ++k) {
                const auto& from = sum.summands[k];
                summands[k] = from.where == summand::place::absent ? view<T>{}
                              : from.where == summand::place::here
                                  ? tensors_.region_of(from.which, s.x(), sum.what)
                                  : transfer_->received(which, std::size_t(from.which));
            }
            const view<T> y = tensors_.region(s.y, sum.what);
            const view<T> all = add_up<Backend, T>(queue(), summands);
            const int channel = sum.what.c.lo - mine.c.lo;
            const bool ends = !s.adds;
            Backend::affine(queue(), view<const T>(all), weights_.weights(i) + channel,
                            weights_.bias(i) + channel, ends ? s.what.act : activation{},
                            ends ? y : all);  // y may lie where the residual does
            if (ends) return;
            Backend::add(queue(), view<const T>(all),
                         view<const T>(tensors_.region(s.residual(), sum.what)), s.what.act, y);
        };
        const auto doing = [&] { return words_of(e); };
        workers_.once([&] {
            transfer_->wait(which, doing);
            for (const auto& sum : e.sums) add(sum);
        });
    }
    int exchange_of(int i, int t) const {
        for (std::size_t e = 0; e < part_.exchanges.size(); ++e) {
            if (part_.exchanges[e].before_step == i && part_.exchanges[e].tensor == t) return int(e);
        }
        return -1;
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

    /// The overlapped exchange of a tensor, or -1.
    int overlapped_of(int t) const {
        for (std::size_t e = 0; e < part_.exchanges.size(); ++e) {
            if (part_.exchanges[e].tensor == t && part_.exchanges[e].overlapped) return int(e);
        }
        return -1;
    }

    /// Nobody reads it before the step's end, where all meet.
    void clear_padding(int t, range images) {
        if (team_.member() != team_.members() - 1) return;
        workers_.alone([&] { clear_margin(t, images); });
    }
    void clear_margin(int t, range images) {
        const auto& m = memory_of(t);
        if (m.held == m.inside || m.held.empty()) return;
        box all = m.held;
        all.n = images;
        Backend::clear_margin(queue(), tensors_.region(t, all), relative(m.inside, m.held));
    }

    /// A user's layer knows nothing of teams: its output is divided for it where it can be.
    void run_custom(int i, const box& y) {
        const auto& s = plan_.steps[std::size_t(i)];
        // Lanes without a channel are zero; a user's layer need not know of them.
        const auto& m = memory_of(s.y);
        if (m.held.c.size() % Backend::template block<T> != 0) {
            const auto clear = [&] { Backend::clear_margin(queue(), tensors_.region(s.y, y), box{}); };
            workers_.shares_kernels() ? workers_.once(clear) : workers_.alone(clear);
        }
        const int units = std::min(y.h.size(), 8 * (workers_.count() - 1) + 1);
        workers_.share(units, [&](int u) {
            box b = y;
            const range rows = cut(y.h.size(), {u, units});
            b.h = {y.h.lo + rows.lo, y.h.lo + rows.hi};
            run_part(i, b);
        });
    }

    void start(std::size_t e) {
        const int t = part_.exchanges[e].tensor;
        workers_.once([&] { transfer_->start(queue(), e, tensors_.whole_of(t), memory_of(t).held); });
    }
    bool is_done(std::size_t e) {
        return workers_.ask([&] { return transfer_->is_done(e); });
    }
    void finish(std::size_t e) {
        const int t = part_.exchanges[e].tensor;
        const auto doing = [&] { return words_of(part_.exchanges[e]); };
        workers_.once(
            [&] { transfer_->finish(queue(), e, tensors_.whole_of(t), memory_of(t).held, doing); });
    }
    std::string words_of(const exchange& e) const {
        return std::string(name_of(e.name)) + " before step " + std::to_string(e.before_step) +
               " (" + std::string(plan_.steps[std::size_t(e.before_step)].what.name) + ")";
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
    team& team_;
    workers<Backend>& workers_;
    const parameters<Backend, T>& weights_;
    transfer<Backend, T>* transfer_;
    const activations<Backend, T>& tensors_;
    const net_functions<Backend, T>& functions_;
};

}  // namespace mpar
