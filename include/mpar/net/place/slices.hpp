// SPDX-License-Identifier: MIT
// Which steps take a batch in slices: some images go through all of these steps before the next
// ones, so that the caches hold what one step writes until the next reads it. Knows boxes, no
// memory.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/plan/plan.hpp>
#include <mpar/tensor/view.hpp>

#include <algorithm>
#include <cstddef>

namespace mpar::detail {

/// Steps in a row without messages become a slicing where the whole batch of what they read and write
/// is more than setting::cache_bytes: so many images at a time as fit in a quarter of that, and as many
/// steps as have their filters in another, for each slice reads them. Tensors that live in it alone are
/// given memory for one slice.
/// It is a template for the reason that partition is one.
template <class OnlyIfCalled = void>
class slices {
public:
    constexpr slices(const plan& p, part& mine) : plan_(p), part_(mine) {}

    constexpr void find() {
        if (part_.of.cache_bytes == 0 || part_.of.batch < 2 || !part_.of.first_seats.empty())
            return;
        for (int i = 0; i < int(plan_.steps.size());) {
            int end = i;
            while (end < int(plan_.steps.size()) && may_follow(end, i)) ++end;
            divide(i, end);
            i = std::max(i + 1, end);
        }
    }

private:
    constexpr const step_part& step_of(int i) const { return part_.steps[std::size_t(i)]; }
    constexpr const tensor_part& tensor_of(int t) const { return part_.tensors[std::size_t(t)]; }

    /// Images are smaller towards a net's end: a slicing ends where twice as many fit for all that
    /// follows, or all do.
    [[gnu::cold]] constexpr void divide(int first, int end) {
        growing<long> most(std::size_t(end - first) + 1, 1);  // of an image, from a step on
        for (int i = end - 1; i >= first; --i) {
            auto& here = most[std::size_t(i - first)];
            here = std::max(most[std::size_t(i - first) + 1], bytes_of_an_image(i));
        }
        const long all = first < end ? step_of(first).y.n.size() : 0;
        const long quarter = part_.of.cache_bytes / 4;
        const auto fit = [&](int i) {
            return std::max(1L, quarter / most[std::size_t(i - first)]);
        };
        const auto is_large = [&](int i) {
            return i < end && all * most[std::size_t(i - first)] > part_.of.cache_bytes;
        };
        for (int i = first; is_large(i);) {
            slicing s{i, i, int(ceil_div(all, ceil_div(all, fit(i))))};
            for (long filters = 0; is_large(s.end) && fit(s.end) < 2 * fit(i); ++s.end) {
                filters += filter_bytes(s.end);
                if (filters > quarter && s.end > i) break;
            }
            if (s.end - s.first > 1) {
                part_.slices.push_back(s);
                let_go(s);
            }
            i = s.end;
        }
    }

    /// Whether step i, without waiting for anybody, computes those images that `first` does.
    constexpr bool may_follow(int i, int first) const {
        const auto& s = plan_.steps[std::size_t(i)];
        const auto& mine = step_of(i);
        const traits is = traits_of(s.what);
        if (s.y < 0 || is.ends_sum || is.is_of_net) return false;
        if (!mine.leaves.empty() || mine.y.empty()) return false;
        const range images = step_of(first).y.n;
        for (const int t : s.inputs) {
            if (tensor_of(t).owned.n != images) return false;
        }
        if (tensor_of(s.y).owned.n != images) return false;
        for (const auto& e : part_.exchanges) {
            if (e.before_step == i && (i != first || e.overlapped)) return false;
            if (e.overlapped && e.tensor == s.y) return false;
        }
        return mine.y.n == images;
    }

    /// Bytes that step i reads and writes of one image.
    constexpr long bytes_of_an_image(int i) const {
        const auto& s = plan_.steps[std::size_t(i)];
        const auto of = [&](int t) {
            shape one = tensor_of(t).held.extents();
            one.n = 1;
            return storage(one, tensor_of(t).block) * size_of(tensor_of(t).element);
        };
        long bytes = of(s.y);
        for (int k = 0; k < s.inputs.size(); ++k) {
            if (s.inputs.is_first(k)) bytes += of(s.inputs[k]);
        }
        return bytes;
    }

    constexpr long filter_bytes(int i) const {
        const operation& o = plan_.steps[std::size_t(i)].what;
        if (!has_filters(o)) return 0;
        const filters& f = filters_of(o);
        const int tile = step_of(i).tile;
        const long taps = tile > 1 ? (tile + 2) * (tile + 2) : f.taps();
        return f.in_per_group() * step_of(i).y.c.size() * taps * size_of(part_.of.element);
    }

    /// Tensors that no step outside reads or writes hold one slice only. Of those that lie in one
    /// home, all do or none does.
    constexpr void let_go(const slicing& s) {
        const auto root = [&](std::size_t t) {
            const int home = part_.tensors[t].home;
            return home < 0 ? t : std::size_t(home);
        };
        growing<bool> stays(part_.tensors.size(), false);
        for (std::size_t t = 0; t < stays.size(); ++t) {
            const auto& all = plan_.tensors[t];
            if (all.producer < s.first || all.last_reader >= s.end) stays[root(t)] = true;
        }
        for (std::size_t t = 0; t < stays.size(); ++t) {
            if (stays[root(t)]) continue;
            auto& mine = part_.tensors[t];
            mine.images = s.images;
            mine.held.n.hi = mine.held.n.lo + s.images;
        }
    }

    const plan& plan_;
    part& part_;
};

}  // namespace mpar::detail
