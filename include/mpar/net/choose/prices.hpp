// SPDX-License-Identifier: MIT
// What one step of a plan would cost under each layout of what it reads and gives: worked out once.
// Knows no order of steps.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/net/choose/cost.hpp>

#include <array>

namespace mpar::detail {

/// Layouts by number, in the order in which they were met.
class layout_numbers {
public:
    static constexpr int most = 15;

    constexpr int of(const layout& l) {
        for (int i = 0; i < int(all_.size()); ++i) {
            if (all_[std::size_t(i)] == l) return i;
        }
        all_.push_back(l);
        whole_[all_.size() <= most ? all_.size() - 1 : most] = l.is_whole();
        return int(all_.size()) - 1;
    }
    constexpr bool is_whole(int number) const { return whole_[number]; }
    constexpr const layout& operator[](int number) const { return all_[std::size_t(number)]; }
    constexpr bool fit() const { return int(all_.size()) <= most; }

private:
    growing<layout> all_;
    bool whole_[most + 1] = {};
};

/// Prices of steps by the layouts of what they read and give. Steps of one shape and kind, such as
/// those of a repeated block, share a price. It is a template for the reason that plan_search is
/// one.
template <class OnlyIfCalled = void>
class prices {
public:
    struct price {
        double seconds = -1;
        long bytes = 0;  ///< of filters
    };

    [[gnu::cold]] constexpr prices(const plan& p, const setting& on, const machine& of,
                                   layout_numbers& layouts)
        : plan_(p), on_(on), machine_(of), layouts_(layouts), ranks_(costs::ranks_of(on.who)) {
        on_.who.second = on.who.extent(mesh_axis::second);  // worked out once
        grains_ = geometry(p, on_).lines();
        on_.grains = &grains_;
        for (const auto& s : plan_.steps) kinds_.push_back(kind_of(s));
        table_.resize(std::size_t(count_ * each));
        boxes_.resize(std::size_t(count_ * 3 * layout_numbers::most));
    }

    prices(const prices&) = delete;
    prices& operator=(const prices&) = delete;

    /// The price of the kernel of step i, which reads x, once it is fetched, and gives y. Where the
    /// sum is cut, y is the summands.
    constexpr price compute(int i, int x, int y) {
        const bool may_lie_there = traits_of(plan_.steps[std::size_t(i)].what).moves_channels;
        return once(i, 0, may_lie_there ? x : 0, y, [&] {
            const trial t(*this, i, may_lie_there ? x : y, y, y);
            const costs c = t.price();
            const step_cost one = c.compute_of(0);
            return price{one.compute + (i == 0 ? c.input_seconds() : 0), one.weights};
        });
    }
    /// The price of bringing x, which lies as `from`, to where step i needs it to give `y`.
    constexpr double fetch(int i, int from, int y) {
        if (layouts_.is_whole(from) && is_with_all(from)) return 0;
        return once(i, 1, from, y,
                    [&] {
                        const auto& needs = parts_of(i, 1, y, [&](const growing<int>& ranks) {
                            const trial t(*this, i, y, y, y);
                            const costs c = t.price();
                            const layout key = c.places().key_of(0, 0);
                            boxes all;
                            for (const int r : ranks)
                                all.of.push_back(c.places().needed(0, key, r));
                            return all;
                        });
                        const step& s = plan_.steps[std::size_t(i)];
                        const bool whole = s.y < 0 || input_layout(s.reads_input(0), layouts_[y]).is_whole();
                        return moving(i, false, from, needs, whole);
                    })
            .seconds;
    }
    /// The price of bringing the second input, which is taken as `taken` in the end (see
    /// second_taken).
    constexpr double fetch_second(int i, int from, int taken) {
        if (layouts_.is_whole(from) && is_with_all(from)) return 0;
        return once(i, 2, from, taken,
                    [&] {
                        return moving(i, true, from, owners_of(i, true, taken),
                                      layouts_.is_whole(taken));
                    })
            .seconds;
    }
    /// The layout in which step i takes its second input in order to give `y`.
    constexpr int second_taken(int i, int y) {
        return layouts_.of(input_layout(plan_.steps[std::size_t(i)].reads_input(1), layouts_[y]));
    }
    /// The price of ending the sum that step i has cut as `summands` says, so that its parts lie as
    /// `y`.
    constexpr double reduce(int i, int summands, int y) {
        return once(i, 3, summands, y,
                    [&] {
                        const trial t(*this, i, y, summands, y);
                        const costs c = t.price();
                        return price{c.exchange_of(1, 1).exchange + c.compute_of(1).compute};
                    })
            .seconds;
    }

private:
    /// A plan of a step alone: x -> y, or x -> summands -> y.
    struct trial {
        std::array<tensor, 4> tensors;
        std::array<step, 2> steps;
        int count = 1;
        const prices& of;

        [[gnu::cold]] constexpr trial(const prices& all, int i, int x, int y, int last) : of(all) {
            const step& s = all.plan_.steps[std::size_t(i)];
            const auto number = [&](int l) { return all.layouts_[l]; };
            const shape from = all.extents(s.x()), to = s.y < 0 ? from : all.extents(s.y);
            steps[0] = s;
            const bool more = s.inputs.size() > 1;
            steps[0].inputs = more ? tensor_list(0, 2) : tensor_list(0);
            steps[0].y = s.y < 0 ? -1 : 1;
            tensors[0] = {from, number(x), -1, 0};
            tensors[1] = {to, number(y), 0, 1};
            tensors[2] = {more ? all.extents(s.inputs[1]) : to,
                          more ? input_layout(s.reads_input(1), number(last)) : number(last), -1, 0};
            if (tensors[1].where.partial.empty()) return;
            steps[0].inputs = 0;
            steps[0].adds = false;
            steps[1].what = sum_of_summands(s.what);
            steps[1].inputs = more ? tensor_list(1, 3) : tensor_list(1);
            steps[1].adds = more;
            steps[1].y = 2;
            tensors[2] = {to, number(last), 1, 2};
            tensors[3] = {to, number(last), -1, 1};
            count = 2;
        }
        constexpr costs price() const {
            return costs(plan{std::span(steps).first(std::size_t(count)), tensors, {}}, of.on_,
                         of.machine_, of.ranks_);
        }
    };

    /// Whether every rank has all of a tensor that lies so.
    constexpr bool is_with_all(int l) const {
        return on_.who.data == 1 || layouts_[l] == layout::everywhere;
    }

    struct boxes {
        growing<box> of;  ///< by ranks_
    };
    /// Boxes of step i's tensors for all ranks that are looked at, worked out once: what x's owners
    /// have (0), what is needed of it (1), what the second input's owners have (2).
    template <class F>
    constexpr const boxes& parts_of(int i, int what, int l, F boxes_for) {
        constexpr int stride = layout_numbers::most;
        auto& known = boxes_[std::size_t((kinds_[std::size_t(i)] * 3 + what) * stride + l)];
        if (known.of.empty()) known = boxes_for(ranks_);
        return known;
    }
    constexpr shape with_batch(int t) const {
        shape s = extents(t);
        s.n = on_.batch;
        return s;
    }
    constexpr const boxes& owners_of(int i, bool second, int l) {
        const shape all = with_batch(plan_.steps[std::size_t(i)].inputs[second]);
        return parts_of(i, second ? 2 : 0, l, [&](const growing<int>& ranks) {
            boxes b;
            for (const int r : ranks) {
                b.of.push_back(owned(layouts_[l], all, on_.who.at(r),
                                     grains_.of(layouts_[l], all, on_.who, on_.block)));
            }
            return b;
        });
    }
    /// Seconds of the slowest rank when all ranks fetch what they need of x or of the second input,
    /// or, if it `takes_all`, the whole of it.
    [[gnu::cold]] constexpr price moving(int i, bool second, int from, const boxes& needs,
                                         bool takes_all) {
        if (on_.mates(0).size() == on_.who.ranks) return {0};
        const shape all = with_batch(plan_.steps[std::size_t(i)].inputs[second]);
        const boxes& owners = owners_of(i, second, from);
        const link& by = machine_.between(on_.who.ranks);
        double most = 0;
        for (std::size_t r = 0; r < ranks_.size(); ++r) {
            const traffic t =
                costs::fetching(layouts_[from], all, owners.of[r], needs.of[r], takes_all, on_,
                                grains_.of(layouts_[from], all, on_.who, on_.block));
            most = std::max(most, seconds_of(t, by));
        }
        return {most};
    }

    template <class F>
    constexpr price once(int i, int what, int a, int b, F work_out) {
        constexpr int stride = layout_numbers::most;
        price& known =
            table_[std::size_t(kinds_[std::size_t(i)] * each + (what * stride + a) * stride + b)];
        if (known.seconds < 0) known = work_out();
        return known;
    }

    /// The number of the steps that cost the same; the first, which the images come to, has its own.
    constexpr int kind_of(const step& s) {
        for (int j = 1; j < int(kinds_.size()); ++j) {
            if (same(plan_.steps[std::size_t(j)], s)) return kinds_[std::size_t(j)];
        }
        return count_++;
    }
    constexpr bool same(const step& a, const step& b) const {
        return works_alike(a.what, b.what, extents(a.x())) && a.adds == b.adds &&
               a.inputs.size() == b.inputs.size() && extents(a.x()) == extents(b.x()) &&
               (a.y < 0) == (b.y < 0) && (a.y < 0 || extents(a.y) == extents(b.y));
    }

    constexpr const shape& extents(int t) const { return plan_.tensors[std::size_t(t)].extents; }

    plan plan_;
    setting on_;
    line_grains grains_;
    machine machine_;
    layout_numbers& layouts_;
    growing<int> kinds_;
    int count_ = 0;
    static constexpr int each = 4 * layout_numbers::most * layout_numbers::most;
    growing<price> table_;
    growing<boxes> boxes_;
    growing<int> ranks_;
};

}  // namespace mpar::detail
