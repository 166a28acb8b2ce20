// SPDX-License-Identifier: MIT
// A divided matrix product on made-up numbers, by messages or in a team's memory. Knows no option.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/matmul/product.hpp>
#include <mpar/matmul/team_product.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace tools {

/// Whether all ranks are a team, and what they need for it.
class matmul_house {
public:
    /// collective. requires: `comm` does not move; a team has the matrices of `p` in common.
    matmul_house(mpar::communicator& comm, bool as_team, const mpar::matmul::plan& p)
        : team_(comm, as_team ? mpar::teaming::fixed : mpar::teaming::off, 0, 1, shared_bytes(p)),
          is_team_(as_team && team_.members() == comm.size()) {
        if (is_team_) board_ = mpar::muster(team_, crew_, comm.rank(), comm.deadline());
    }
    bool is_team() const { return is_team_; }
    mpar::team& team() { return team_; }
    mpar::crew& crew() { return crew_; }
    /// Why the ranks are no team; empty: they are, or need not be.
    const std::string& note() const { return team_.note(); }

private:
    /// A, B, C and, where K is cut, the sums of each slice.
    static std::size_t shared_bytes(const mpar::matmul::plan& p) {
        const auto [m, n, k] = p.of;
        const long sums = p.ranks.r > 1 ? p.ranks.r : 0;
        return std::size_t(long(m) * k + long(k) * n + (1 + sums) * m * n) * sizeof(float);
    }

    mpar::team team_;
    bool is_team_;
    mpar::crew crew_;
    mpar::team_memory<> board_;
};

/// Numbers from -0.5 to 0.5, the same on every rank: element (i, j) of matrix `which`.
inline float matmul_element(unsigned which, int i, int j) {
    std::uint32_t x = unsigned(i) * 2654435761u + unsigned(j) * 2246822519u + which * 3266489917u;
    x = (x ^ (x >> 15)) * 2246822519u;
    x ^= x >> 13;
    return float(x >> 8) / float(1 << 24) - 0.5f;
}

/// C = A B on all ranks.
class matmul_work {
public:
    /// collective. throws: as product and team_product.
    matmul_work(mpar::communicator& comm, matmul_house& house, const mpar::matmul::plan& p)
        : comm_(comm), plan_(p), at_(place_of(p.ranks, comm.rank())) {
        using namespace mpar::matmul;
        if (house.is_team()) {
            shared_.emplace(house.team(), p);
            const auto [a, b, c] = shared_->all();
            set(shared_->a.part(owned_a(p, at_)), shared_->b.part(owned_b(p, at_)));
            c_ = shared_->c.part(owned_c(p, at_));
            together_ =
                std::make_unique<team_product<float>>(house.team(), house.crew(), p, a, b, c);
            return;
        }
        mpar::agree(comm, [&] {
            for (auto* m : {&own_a_, &own_b_, &own_c_}) {
                const area x = m == &own_a_   ? owned_a(p, at_)
                               : m == &own_b_ ? owned_b(p, at_)
                                              : owned_c(p, at_);
                *m = mpar::buffer<float>(std::size_t(x.count()));
            }
        });
        const auto a = dense(own_a_, owned_a(p, at_)), b = dense(own_b_, owned_b(p, at_));
        c_ = dense(own_c_, owned_c(p, at_));
        set(a, b);
        apart_ = std::make_unique<product<float>>(comm, p, a, b, c_);
    }

    void run() { together_ ? together_->run() : apart_->run(); }

    /// The slowest rank's seconds of one product. collective.
    double timed_run(double (*now)()) {
        mpar::all_reduce(comm_, 0, MPI_SUM);
        const double began = now();
        run();
        return double(mpar::all_reduce(comm_, long((now() - began) * 1e9), MPI_MAX)) * 1e-9;
    }

    /// The greatest difference of some elements of this rank's C from sums in double precision, and
    /// the greatest of these; as many elements as 2^26 products give.
    struct difference {
        double greatest = 0, of = 0;
    };
    difference check() const {
        const auto mine = owned_c(plan_, at_);
        const long count = mine.count(), depth = std::max(1, plan_.of.k);
        const long checked = std::min(count, std::max(64L, (1L << 26) / depth));
        difference d;
        for (long n = 0; n < checked; ++n) {
            const long at =
                checked == count ? n : long(double(n) * double(count) / double(checked));
            const int i = int(at / c_.columns), j = int(at % c_.columns);
            double sum = 0;
            for (int k = 0; k < plan_.of.k; ++k) {
                sum += double(matmul_element(1, mine.rows.lo + i, k)) *
                       double(matmul_element(2, k, mine.columns.lo + j));
            }
            const double off = std::abs(double(c_(i, j)) - sum);
            if (!(off <= d.greatest)) d.greatest = off;  // NaN wins
            d.of = std::max(d.of, std::abs(sum));
        }
        return d;
    }

private:
    struct matrices {
        mpar::matmul::shared_matrix<float> a, b, c;
        matrices(mpar::team& t, const mpar::matmul::plan& p)
            : a(t, p.of.m, p.of.k), b(t, p.of.k, p.of.n), c(t, p.of.m, p.of.n) {}
        struct views {
            mpar::matrix<float> a, b, c;
        };
        views all() const { return {a.all(), b.all(), c.all()}; }
    };

    static mpar::matrix<float> dense(const mpar::buffer<float>& m, const mpar::matmul::area& x) {
        return mpar::dense_matrix(m.data(), x.rows.size(), x.columns.size());
    }

    void set(mpar::matrix<float> a, mpar::matrix<float> b) const {
        const auto each = [](mpar::matrix<float> m, const mpar::matmul::area& x, unsigned which) {
            for (int i = 0; i < m.rows; ++i) {
                for (int j = 0; j < m.columns; ++j)
                    m(i, j) = matmul_element(which, x.rows.lo + i, x.columns.lo + j);
            }
        };
        each(a, owned_a(plan_, at_), 1);
        each(b, owned_b(plan_, at_), 2);
    }

    mpar::communicator& comm_;
    mpar::matmul::plan plan_;
    mpar::matmul::place at_;
    std::optional<matrices> shared_;
    mpar::buffer<float> own_a_, own_b_, own_c_;
    mpar::matrix<float> c_;
    std::unique_ptr<mpar::matmul::team_product<float>> together_;
    std::unique_ptr<mpar::matmul::product<float>> apart_;
};

}  // namespace tools
