// SPDX-License-Identifier: MIT
// Sums over the members of a team, in memory that they share. Knows no layer.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/core/numeric.hpp>

#include <algorithm>
#include <cstddef>

namespace mpar {

/// All-reduces of up to `most` values: each member writes its own to mine(), then all call sum().
///
/// Values are added in the order of the members, so that every member gets the same bits. Nothing is
/// sent: small sums cost one meeting and every member adds for itself; in larger ones each adds a
/// slice, for a second meeting. Two sets of buffers take turns, so that no third one is needed.
template <class T>
class team_sum {
public:
    /// collective over the team; both must outlive it. throws: error(device).
    team_sum(team& where, crew& members, long most)
        : crew_(&members),
          room_(round_up(most, long(128 / sizeof(T)))),
          shared_(where, std::size_t(sets * (members.members() + 1) * room_) * sizeof(T)),
          own_(std::size_t(small)) {}

    /// Where this member's values of the next sum go.
    T* mine() { return part(crew_->member()); }

    /// before: member 0's mine() [a], member 1's [b]   after: returns [a + b] to both, good until
    /// the next sum() but one. The same count on all. throws: as crew::meet().
    const T* sum(long count) {
        crew_->meet();
        T* result = own_.data();
        if (count <= small) {
            add(0, count, result);
        } else {
            result = part(crew_->members());
            const long slice = round_up(ceil_div(count, long(crew_->members())),
                                        long(128 / sizeof(T)));
            const long begin = std::min(count, slice * crew_->member());
            add(begin, std::min(count, begin + slice), result);
            crew_->meet();
        }
        set_ = (set_ + 1) % sets;
        return result;
    }

private:
    static constexpr int sets = 2;
    static constexpr long small = 2048 / sizeof(T);

    /// The buffer of member m in the current set; behind the last member's stands the sum.
    T* part(int m) {
        return static_cast<T*>(shared_.data()) + (set_ * (crew_->members() + 1) + m) * room_;
    }

    void add(long begin, long end, T* result) {
        constexpr long step = 64 / sizeof(T);
        const T* const first = part(0);
        long i = begin;
        for (; i + step <= end; i += step) {  // of a known length, so that vectors do it
            T sums[step];
            std::copy_n(first + i, step, sums);
            for (int m = 1; m < crew_->members(); ++m) {
                const T* const more = first + m * room_ + i;
                for (long k = 0; k < step; ++k) sums[k] += more[k];
            }
            std::copy_n(sums, step, result + i);
        }
        for (; i < end; ++i) {
            T total = first[i];
            for (int m = 1; m < crew_->members(); ++m) total += first[m * room_ + i];
            result[i] = total;
        }
    }

    crew* crew_;
    long room_;
    team_memory<> shared_;
    buffer<T> own_;
    int set_ = 0;
};

}  // namespace mpar
