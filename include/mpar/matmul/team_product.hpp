// SPDX-License-Identifier: MIT
// A product of matrices that lie in the memory of a team: panels are read where they lie. Knows
// shared memory and the kernel; sends nothing.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/matmul/local_sum.hpp>
#include <mpar/matmul/operands.hpp>
#include <mpar/tensor/crew.hpp>
#include <mpar/tensor/matrix.hpp>

#include <cstddef>
#include <vector>

namespace mpar::matmul {

/// A whole matrix, one for all members of a team, zero at first; each writes what it owns.
template <class T>
class shared_matrix {
public:
    /// collective over the team. throws: error(device) when memory is unavailable.
    shared_matrix(team& where, long rows, long columns)
        : memory_(where, std::size_t(rows * columns) * sizeof(T)), rows_(rows), columns_(columns) {}

    matrix<T> all() const { return dense_matrix(static_cast<T*>(memory_.data()), rows_, columns_); }
    /// The part that `what` says: a rank's own, by owned_a and its like.
    matrix<T> part(const area& what) const {
        return all().part(what.rows.lo, what.rows.size(), what.columns.lo, what.columns.size());
    }

private:
    team_memory<> memory_;
    long rows_, columns_;
};

/// C = A B, again and again, on the members of a team.
///
/// before: a member has written owned_a, owned_b of A, B   after: owned_c of C is written
/// An all-gather is a meeting; a reduction too, after which each member adds up what it owns.
template <class T>
class team_product {
public:
    /// requires: whole matrices in memory of all members, living, as `members`, as long as this; the
    /// same plan, of as many ranks as members. collective over the team.
    /// throws: error(usage) when the sizes differ, error(device).
    team_product(team& where, crew& members, const plan& p, matrix<const T> a, matrix<const T> b,
                 matrix<T> c)
        : crew_(&members), plan_(p), at_(place_of(p.ranks, members.member())) {
        require_ranks(p, members.members());
        require_whole(p, a, b, c);
        const int ranks = p.ranks.ranks();
        std::vector<long> begin(std::size_t(ranks) + 1);
        for (int rank = 0; rank < ranks; ++rank) {
            begin[std::size_t(rank) + 1] =
                begin[std::size_t(rank)] + local_sum<T>::partial_words(p, place_of(p.ranks, rank));
        }
        if (begin.back() > 0) {
            partial_ = team_memory<>(where, std::size_t(begin.back()) * sizeof(T));
        }
        const auto sum = [&](const place& at) {
            const auto rank = std::size_t(rank_of(p.ranks, at));
            return local_sum<T>(p, at, part(c, owned_c(p, at)),
                                static_cast<T*>(partial_.data()) + begin[rank]);
        };
        sums_ = sum(at_);
        for (int d = 1; d < p.ranks.r; ++d) {
            const place other{at_.i, at_.j, (at_.l + d) % p.ranks.r};
            if (computes(p, other)) others_.push_back(sum(other).piece(at_.l));
        }
        if (!computes(p, at_)) return;
        const range depth = depth_of(p, at_);
        a_ = part(a, area{rows_of(p, at_), depth});
        b_ = part(b, area{depth, columns_of(p, at_)});
        sums_.reserve(depth.size());
    }

    /// Multiplies. requires: a and b do not change before it returns. collective over the team.
    /// throws: error(no_progress) naming the silent ranks.
    void run() {
        crew_->announce(0, "matrix product");
        crew_->meet();  // A and B are written
        if (computes(plan_, at_)) {
            sums_.add(a_, b_, true, nullptr, [](int) {});
        } else {
            sums_.clear();
        }
        crew_->meet();  // A and B are read, C's summands are written
        for (const auto& other : others_) {
            if (!other.empty()) sums_.add_to_own(other);
        }
    }

private:
    template <class U>
    static matrix<U> part(matrix<U> m, const area& what) {
        return m.part(what.rows.lo, what.rows.size(), what.columns.lo, what.columns.size());
    }

    crew* crew_;
    plan plan_;
    place at_;
    team_memory<> partial_;
    matrix<const T> a_, b_;
    local_sum<T> sums_;
    std::vector<matrix<T>> others_;
};

}  // namespace mpar::matmul
