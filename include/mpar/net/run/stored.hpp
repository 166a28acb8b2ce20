// SPDX-License-Identifier: MIT
// A rank's unpacked parameters: the boxes that it owns of them, as they were read or have been
// changed since. Knows the plan; nothing of files, norms and packing.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/plan/plan.hpp>
#include <mpar/tensor/view.hpp>

#include <algorithm>
#include <cstddef>

namespace mpar {

/// Where weights come from, for the length of a load: writes rows [rows.lo, rows.hi) of the first
/// extent of parameter `index` of the plan to `out`. throws: mpar::error.
template <class T>
using parameter_reader = function_ref<void(int index, range rows, T* out)>;

/// The masters from which packed weights are made, in the backend's memory, one copy for a team.
template <class Backend, class T>
class stored_parameters {
public:
    /// Takes the memory. collective over the team. throws: error(device) when it is unavailable.
    [[gnu::cold]] stored_parameters(const plan& p, const part& mine, team& where)
        : plan_(p), team_(&where) {
        constexpr long aligned = 64 / sizeof(T);
        long end = 0;
        for (const auto& q : mine.parameters) {
            slots_.push_back({q.needed ? q.owned : box{}, end});
            end = round_up(end + slots_.back().what.count(), aligned);
        }
        memory_ = {where, std::size_t(end) * sizeof(T)};
    }

    /// Which box of a parameter is here, in its own extents; empty where no step of this rank takes
    /// it.
    const box& owned(int i) const { return slots_[std::size_t(i)].what; }
    /// Its values [rows, columns, kernel rows, kernel columns], which lie one behind the other.
    view<T> values(int i) const {
        const slot& at = slots_[std::size_t(i)];
        return dense_view(data() + at.offset, at.what.extents());
    }
    std::size_t bytes() const { return memory_.bytes(); }

    /// Reads all of them: each member of the team does some. The caller sees to it that all are
    /// done. throws: what `from` throws.
    [[gnu::cold]] void read(typename Backend::queue& queue, const parameter_reader<T>& from) {
        int turn = 0;
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            const box& b = slots_[i].what;
            if (b.empty() || turn++ % team_->members() != team_->member()) continue;
            const row_of r(plan_.parameters[i], b);
            growing<T> rows(std::size_t(b.n.size() * r.whole));
            from(int(i), b.n, rows.data());
            for (long k = 0; k < b.n.size(); ++k) {
                std::copy_n(rows.data() + k * r.whole + r.first, r.count,
                            rows.data() + k * r.count);
            }
            queue.copy_to_device(data() + slots_[i].offset, rows.data(),
                                 std::size_t(b.count()) * sizeof(T));
            queue.finish();
        }
    }

    /// As a parameter_reader does, what is here of whole rows; zeros where other ranks have the
    /// columns. requires: the rows are owned.
    [[gnu::cold]] void copy_rows(typename Backend::queue& queue, int i, range rows, T* out) const {
        const slot& at = slots_[std::size_t(i)];
        const row_of r(plan_.parameters[std::size_t(i)], at.what);
        growing<T> mine(std::size_t(rows.size() * r.count));
        queue.copy_to_host(mine.data(), data() + at.offset + (rows.lo - at.what.n.lo) * r.count,
                           mine.size() * sizeof(T));
        queue.finish();
        std::fill_n(out, rows.size() * r.whole, T(0));
        for (long k = 0; k < rows.size(); ++k) {
            std::copy_n(mine.data() + k * r.count, r.count, out + k * r.whole + r.first);
        }
    }

private:
    struct slot {
        box what;
        long offset = 0;  ///< in elements
    };
    /// Of one row, how long it is, and which of its elements are here.
    struct row_of {
        long whole, first, count;

        row_of(const parameter& p, const box& b)
            : whole(p.count() / p.extents[0]),
              first(whole / p.as_shape().c * b.c.lo),
              count(whole / p.as_shape().c * b.c.size()) {}
    };

    T* data() const { return static_cast<T*>(memory_.data()); }

    plan plan_;
    team* team_;
    growing<slot> slots_;
    team_memory<typename Backend::memory> memory_;
};

}  // namespace mpar
