// SPDX-License-Identifier: MIT
// A rank's block of C in the pieces of its owners, and what is added to it. Knows the kernel, no
// message.
#pragma once

#include <mpar/core/function_ref.hpp>
#include <mpar/kernels/cpu/gemm/gemm.hpp>
#include <mpar/matmul/grid.hpp>
#include <mpar/tensor/matrix.hpp>
#include <mpar/tensor/memory.hpp>

#include <algorithm>
#include <vector>

namespace mpar::matmul {

/// Block (i, j) of C, of which other slices of K own pieces: this rank's piece lies in c, the others'
/// behind each other in memory from which they are sent or read.
template <class T>
class local_sum {
public:
    local_sum() = default;
    /// requires: c is this rank's piece; partial_words() at `partial`.
    local_sum(const plan& p, const place& at, matrix<T> c, T* partial)
        : at_(at), slices_(p.ranks.r) {
        const range rows = rows_of(p, at), columns = columns_of(p, at);
        for (int l = 0; l < slices_; ++l) {
            const area owned = owned_c(p, {at.i, at.j, l});
            const matrix<T> m =
                l == at.l ? c : dense_matrix(partial, owned.rows.size(), owned.columns.size());
            if (l != at.l) partial += owned.count();
            pieces_.push_back({m, owned.rows.lo - rows.lo, owned.columns.lo - columns.lo});
        }
    }

    /// How many elements the others' pieces take.
    static long partial_words(const plan& p, const place& at) {
        const long all = long(rows_of(p, at).size()) * columns_of(p, at).size();
        return computes(p, at) ? all - owned_c(p, at).count() : 0;
    }

    const matrix<T>& piece(int l) const { return pieces_[std::size_t(l)].m; }

    /// Makes room for the kernel to add a product of that depth.
    void reserve(long depth) {
        long most = 0;
        for (const auto& p : pieces_) {
            if (p.m.empty()) continue;
            most = std::max(most, cpu::gemm_workspace<T>(p.m.rows, p.m.columns, depth));
        }
        if (most > long(work_.size())) work_ = buffer<T>(std::size_t(most));
    }
    std::size_t workspace_bytes() const { return work_.bytes(); }

    /// The block = or += a b, this rank's piece last. `between`: as gemm's. `done(d)` when the piece
    /// of slice l + 1 + d has its product, before the next begins.
    void add(matrix<const T> a, matrix<const T> b, bool first, const function_ref<void()>* between,
             function_ref<void(int)> done) {
        host_queue queue;
        for (int d = 1; d <= slices_; ++d) {
            const auto& p = pieces_[std::size_t((at_.l + d) % slices_)];
            if (!p.m.empty()) {
                cpu::gemm<T>(queue, a.part(p.row, p.m.rows, 0, a.columns),
                             b.part(0, b.rows, p.column, p.m.columns), p.m, !first, work_.data(),
                             between);
            }
            if (d < slices_) done(d - 1);
        }
    }

    /// This rank's piece = 0.
    void clear() { add_rows(nullptr, 0); }
    /// This rank's piece += other.
    void add_to_own(matrix<const T> other) { add_rows(other.data, other.stride); }

private:
    void add_rows(const T* other, long stride) {
        const matrix<T>& c = piece(at_.l);
        for (long i = 0; i < c.rows; ++i) {
            T* const to = c.data + i * c.stride;
            const T* const from = other + i * stride;
            for (long j = 0; j < c.columns; ++j) to[j] = other ? to[j] + from[j] : T(0);
        }
    }

    struct part {
        matrix<T> m;
        long row, column;  ///< in the block
    };

    place at_;
    int slices_ = 1;
    std::vector<part> pieces_;
    buffer<T> work_;
};

}  // namespace mpar::matmul
