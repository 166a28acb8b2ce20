// SPDX-License-Identifier: MIT
// What one rank does in a forward, as a list of actions: exchanges, kernels on boxes, and what is
// computed while messages travel. Who runs a plan, simulates it or describes it reads this list. Knows
// no memory and no MPI.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/plan/plan.hpp>

#include <algorithm>
#include <cstddef>

namespace mpar {

/// One thing that a rank does. Kernels go to the rank's queue in the order of the actions; a kernel need
/// not be complete when the next action begins.
struct action {
    enum class kind : unsigned char {
        bring,      ///< what the caller passes becomes input `index` of the plan: the box `what`
        begin,      ///< step `step` begins: what errors name from here on
        start,      ///< exchange `index` leaves: what it sends is complete
        finish,     ///< exchange `index` has come, and lies where its readers look
        clear,      ///< the padding of tensor `index` becomes zero, for the images of `what`
        compute,    ///< the box `what` of the step's output
        fill,       ///< rows of `what`, a few at a time until exchange `index` has come
        fill_rest,  ///< the rows of `what` that fill has left
        reduce,     ///< the box `what` of a sum, when the summands of exchange `index` have come
        give,       ///< the box `what`, output `index` of the plan, goes to the caller
        meet,       ///< the members of a team wait for each other
    };

    kind does = kind::begin;
    int step = -1;   ///< -1: before the first
    int index = -1;  ///< of a tensor, an exchange, an input or an output
    box what{};
};

/// What decides the order of one step's actions on one rank.
struct step_order {
    int step = 0;
    range exchanges{};  ///< those before it, as indices
    int awaited = -1;   ///< the one of them that travels while `early` is computed
    int kept = -1;      ///< the one of them whose messages are added up where they arrive
    int sent = -1;      ///< the exchange of its output that travels while work goes on
    int given = -1;     ///< at a net's end: which output the caller gets
    int cleared = -1;   ///< the tensor whose padding it clears
    box memory{};       ///< of that tensor: all of its memory
    box y{};            ///< what it computes; at the net's end: what it gives
    box early{};        ///< as in step_part
    box late{};         ///< as in step_part
    bool sends_edges = false;
    bool in_place = false;
};

namespace detail {

/// f(box) for what surrounds `middle` in y: above, below, left, right; where it is not empty.
template <class F>
void each_edge(const box& y, const box& middle, F f) {
    box above = y, below = y, left = y, right = y;
    above.h.hi = middle.h.lo, below.h.lo = middle.h.hi;
    left.h = right.h = middle.h;
    left.w.hi = middle.w.lo, right.w.lo = middle.w.hi;
    for (const box& edge : {above, below, left, right}) {
        if (!edge.empty()) f(edge);
    }
}

}  // namespace detail

/// Appends the actions of one step: messages for the next step leave as soon as what they take is
/// computed, and what needs no awaited message is computed before that has come.
[[gnu::cold]] inline void append_step(growing<action>& to, const step_order& s) {
    using kind = action::kind;
    const auto add = [&](kind does, int index = -1, const box& what = {}) {
        to.push_back({does, s.step, index, what});
    };
    const auto compute_around = [&](const box& middle) {
        detail::each_edge(s.y, middle, [&](const box& b) { add(kind::compute, -1, b); });
    };
    const auto send = [&](bool now) {
        if (now && s.sent >= 0) add(kind::start, s.sent);
    };

    add(kind::begin);
    for (int e = s.exchanges.lo; e < s.exchanges.hi; ++e) {
        if (e == s.awaited) continue;
        add(kind::start, e);
        if (e != s.kept) add(kind::finish, e);
    }
    if (s.given >= 0) {
        add(kind::give, s.given, s.y);
        return add(kind::meet);  // nobody brings the next images in while another reads the output
    }
    if (s.in_place) return;
    if (s.cleared >= 0) add(kind::clear, s.cleared, s.memory);
    if (s.kept >= 0) return add(kind::reduce, s.kept, s.y);
    if (s.awaited >= 0) {
        add(kind::fill, s.awaited, s.early);
        add(kind::finish, s.awaited);
        compute_around(s.early);
        send(s.sends_edges);
        add(kind::fill_rest, s.awaited, s.early);
        send(!s.sends_edges);
    } else if (s.sent >= 0 && !s.late.empty()) {
        compute_around(s.late);
        send(true);
        add(kind::compute, -1, s.late);
    } else {
        add(kind::compute, -1, s.y);
        send(true);
    }
}

/// Some actions in a row. (A span costs the compiler much more.)
struct actions {
    const action *first = nullptr, *last = nullptr;

    const action* begin() const { return first; }
    const action* end() const { return last; }
    std::size_t size() const { return std::size_t(last - first); }
    const action& operator[](std::size_t i) const { return first[i]; }
};

/// A forward of one rank.
class schedule {
public:
    schedule() = default;
    /// requires: `mine` is a part of `p`. Cost: O(steps * exchanges + images).
    [[gnu::cold]] schedule(const plan& p, const part& mine) {
        all_.push_back({action::kind::begin});
        for (int i = 0; i < p.inputs(); ++i) {
            const int t = p.input_tensor(i);
            const auto& input = mine.tensors[std::size_t(t)];
            if (has_padding(input)) all_.push_back({action::kind::clear, -1, t, input.held});
            all_.push_back({action::kind::bring, -1, i, input.inside});
        }
        all_.push_back({action::kind::meet});
        const slicing* sliced = mine.slices.begin();
        for (int i = 0; i < int(p.steps.size()); ++i) {
            if (i == int(p.steps.size()) - p.outputs()) end_of_steps_ = all_.size();
            if (sliced != mine.slices.end() && sliced->first == i) {
                add_slices(p, mine, *sliced);
                i = sliced++->end - 1;
            } else {
                append_step(all_, order_of(p, mine, i));
            }
        }
    }

    /// Valid as long as this lives, and so not of a temporary.
    actions all() const& { return {all_.begin(), all_.end()}; }
    actions all() const&& = delete;
    /// All that comes before the outputs are given.
    actions steps() const& { return {all_.begin(), all_.begin() + end_of_steps_}; }
    /// What gives the outputs.
    actions results() const& { return {all_.begin() + end_of_steps_, all_.end()}; }

private:
    static bool has_padding(const tensor_part& t) { return t.held != t.inside && !t.held.empty(); }

    static step_order order_of(const plan& p, const part& mine, int i) {
        const auto& s = p.steps[std::size_t(i)];
        const auto& m = mine.steps[std::size_t(i)];
        step_order o{.step = i, .exchanges = exchanges_before(mine, i), .y = m.y};
        for (int e = o.exchanges.lo; e < o.exchanges.hi; ++e) {
            if (mine.exchanges[std::size_t(e)].overlapped) o.awaited = e;
            if (mine.exchanges[std::size_t(e)].keeps) o.kept = e;
        }
        if (s.y < 0) {
            o.given = i - int(p.steps.size()) + p.outputs();
            o.y = m.x;
            return o;
        }
        for (std::size_t e = 0; e < mine.exchanges.size() && o.sent < 0; ++e) {
            const auto& x = mine.exchanges[e];
            if (x.tensor == s.y && x.overlapped) o.sent = int(e);
        }
        const auto& t = mine.tensors[std::size_t(s.y)];
        if (has_padding(t)) o.cleared = s.y;
        o.memory = t.held;
        o.early = m.early;
        o.late = m.late;
        o.sends_edges = m.sends_edges;
        o.in_place = m.in_place;
        return o;
    }
    static range exchanges_before(const part& mine, int i) {
        range r;
        const auto comes_before = [&](int e, int step) {
            return e < int(mine.exchanges.size()) &&
                   mine.exchanges[std::size_t(e)].before_step < step;
        };
        while (comes_before(r.lo, i)) ++r.lo;
        for (r.hi = r.lo; comes_before(r.hi, i + 1);) ++r.hi;
        return r;
    }

    /// Steps that need no message, but for what comes before the first of them, on some images after
    /// the others, so that what one writes the next finds in the caches.
    [[gnu::cold]] void add_slices(const plan& p, const part& mine, const slicing& these) {
        const range all = mine.steps[std::size_t(these.first)].y.n;
        for (range images{all.lo, all.lo}; images.hi < all.hi;) {
            images = {images.hi, std::min(images.hi + these.images, all.hi)};
            for (int i = these.first; i < these.end; ++i) {
                step_order o = order_of(p, mine, i);
                if (images.lo > all.lo) o.exchanges = {};
                o.y.n = images;
                o.memory.n = images;
                const auto& t = mine.tensors[std::size_t(p.steps[std::size_t(i)].y)];
                // with the first and the last of them, images that come from others
                if (!t.images && images.lo == all.lo) o.memory.n.lo = t.held.n.lo;
                if (!t.images && images.hi == all.hi) o.memory.n.hi = t.held.n.hi;
                append_step(all_, o);
            }
        }
    }

    growing<action> all_;
    std::size_t end_of_steps_ = 0;
};

}  // namespace mpar
