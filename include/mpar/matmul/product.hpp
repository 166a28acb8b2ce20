// SPDX-License-Identifier: MIT
// A product of divided matrices whose panels travel as messages while others are multiplied. Knows
// MPI's requests, the kernel, and nothing of layers.
#pragma once

#include <mpar/comm/messages.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/matmul/local_sum.hpp>
#include <mpar/matmul/operands.hpp>
#include <mpar/matmul/schedule.hpp>
#include <mpar/tensor/matrix.hpp>
#include <mpar/tensor/memory.hpp>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

namespace mpar::matmul {

/// C = A B, again and again, on all ranks of a communicator.
///
/// before: rank i owns a, b as owned_a, owned_b say   after: c holds owned_c of the product
/// A rank's own blocks are read and written where they lie; its requests are declared once. What it
/// receives has room of its own, so that all messages can be on their way from the start.
template <class T>
class product {
public:
    /// requires: the same plan on all ranks of `comm`, of as many ranks; a, b, c of the sizes that
    /// owned_a, owned_b and owned_c give, and living, as `comm`, as long as this.
    /// throws: error(usage) when the sizes differ, error(device), error(mpi).
    product(communicator& comm, const plan& p, matrix<const T> a, matrix<const T> b, matrix<T> c)
        : comm_(&comm), plan_(p), at_(place_of(p.ranks, comm.rank())), turns_(schedule(p, at_)) {
        require_blocks(p, comm, a, b, c);
        lay_out(a, b);
        sums_ = local_sum<T>(p, at_, c, partial_.data());
        for (const auto& t : turns_) {
            if (computes(p, at_)) sums_.reserve(t.k.size());
            declare(t, a, b);
        }
        declare_sums(c);
    }

    /// Bytes beside the operands: panels, partial sums, the kernel's workspace.
    std::size_t workspace_bytes() const {
        return panels_.bytes() + partial_.bytes() + summands_.bytes() + sums_.workspace_bytes();
    }

    /// Multiplies. requires: a and b do not change before all ranks return. collective.
    /// throws: error(no_progress) naming the panel and the silent ranks; error(mpi).
    void run() {
        try {
            multiply();
        } catch (...) {
            if (comm_->is_broken()) abandon();
            throw;
        }
    }

private:
    /// A turn's panels and messages: what brings them, what takes own ones to others, and what takes
    /// on those that have come.
    struct work {
        matrix<const T> a, b;
        messages in, out, onward;
    };

    static long words(const panel& p, bool packs, long count) {
        return p.from >= 0 || (packs && !p.to.empty()) ? count : 0;
    }

    /// Room for what is received, and for own panels of A that are sent and not in one piece.
    void lay_out(matrix<const T> a, matrix<const T> b) {
        long all = 0;
        for (const auto& t : turns_) {
            all += words(t.a, !in_one_piece(a, t.k.size()), rows() * t.k.size());
            all += words(t.b, !in_one_piece(b, columns()), columns() * t.k.size());
        }
        panels_ = buffer<T>(std::size_t(all));
        partial_ = buffer<T>(std::size_t(local_sum<T>::partial_words(plan_, at_)));
        summands_ = buffer<T>(std::size_t((plan_.ranks.r - 1) * owned_c(plan_, at_).count()));
    }

    static bool in_one_piece(matrix<const T> m, long width) {
        return m.rows <= 1 || m.stride == width;
    }

    long rows() const { return rows_of(plan_, at_).size(); }
    long columns() const { return columns_of(plan_, at_).size(); }

    void declare(const turn& t, matrix<const T> a, matrix<const T> b) {
        const auto none = [&] { return messages(*comm_, t.tag); };
        auto& w = works_.emplace_back(work{{}, {}, none(), none(), none()});
        const long k = t.k.size();
        const range ka = owned_a(plan_, at_).columns, kb = owned_b(plan_, at_).rows;
        if (ka.contains(t.k)) w.a = a.part(0, rows(), t.k.lo - ka.lo, k);
        if (kb.contains(t.k)) w.b = b.part(t.k.lo - kb.lo, k, 0, columns());
        connect(w, t.a, w.a, rows(), k);
        connect(w, t.b, w.b, k, columns());
    }

    /// Declares what brings a panel and what takes it on. `m`: where it lies, if it is this rank's.
    void connect(work& w, const panel& p, matrix<const T>& m, long count, long width) {
        const long bytes = count * width * long(sizeof(T));
        if (bytes == 0) return;
        const T* from = m.data;
        if (p.from >= 0 || (!p.to.empty() && !in_one_piece(m, width))) {
            T* const room = panels_.data() + used_;
            used_ += count * width;
            if (p.from >= 0) {
                m = dense_matrix<const T>(room, count, width);
                w.in.receive(reinterpret_cast<std::byte*>(room), bytes, p.from);
            } else {
                copies_.push_back({m, dense_matrix(room, count, width)});
            }
            from = room;
        }
        auto& out = p.from >= 0 ? w.onward : w.out;
        for (const int to : p.to) out.send(reinterpret_cast<const std::byte*>(from), bytes, to);
    }

    /// Sums of other slices: one message to each other rank of C's block, one from each.
    void declare_sums(matrix<T> c) {
        constexpr int tag = 32000;
        const grid& g = plan_.ranks;
        for (int d = 1; d < g.r; ++d) {
            const place to{at_.i, at_.j, (at_.l + d) % g.r};
            const place from{at_.i, at_.j, (at_.l + g.r - d) % g.r};
            const matrix<T> theirs = sums_.piece(to.l);
            auto& out = sums_out_.emplace_back(*comm_, tag);
            if (computes(plan_, at_) && !theirs.empty()) {
                out.send(reinterpret_cast<const std::byte*>(theirs.data),
                         theirs.rows * theirs.columns * long(sizeof(T)), rank_of(g, to));
            }
            auto& in = sums_in_.emplace_back(*comm_, tag);
            const matrix<T> room =
                dense_matrix(summands_.data() + (d - 1) * c.rows * c.columns, c.rows, c.columns);
            const bool comes = computes(plan_, from) && !c.empty();
            if (comes) {
                in.receive(reinterpret_cast<std::byte*>(room.data),
                           c.rows * c.columns * long(sizeof(T)), rank_of(g, from));
            }
            arriving_.push_back(comes ? room : matrix<T>{});
        }
    }

    void multiply() {
        const bool has_work = computes(plan_, at_);
        for (auto& in : sums_in_) in.start();
        for (auto& w : works_) w.in.start();
        for (const auto& [from, to] : copies_) copy(from, to);
        for (auto& w : works_) w.out.start();
        first_pending_ = 0;
        const auto look = [this] { give_mpi_a_turn(); };
        const function_ref<void()> between = look;
        for (std::size_t n = 0; n < works_.size(); ++n) {
            auto& w = works_[n];
            w.in.wait([&] { return "panel " + std::to_string(n) + " of a matrix product"; });
            w.onward.start();
            if (!has_work) continue;
            sums_.add(w.a, w.b, n == 0, &between, [&](int d) {
                if (n + 1 == works_.size()) sums_out_[std::size_t(d)].start();
            });
        }
        if (!has_work) sums_.clear();
        for (std::size_t d = 0; d < sums_in_.size(); ++d) {
            sums_in_[d].wait([] { return std::string("sums of a matrix product"); });
            if (!arriving_[d].empty()) sums_.add_to_own(arriving_[d]);
        }
        for (auto& w : works_) {
            w.out.wait([] { return std::string("panels that a matrix product sends"); });
            w.onward.wait([] { return std::string("panels that a matrix product passes on"); });
        }
        for (auto& out : sums_out_) {
            out.wait([] { return std::string("sums that a matrix product sends"); });
        }
    }

    /// MPI moves long messages only while it is called.
    void give_mpi_a_turn() {
        while (first_pending_ < works_.size() && works_[first_pending_].in.progress()) {
            ++first_pending_;
        }
        if (first_pending_ < works_.size()) return;
        for (auto& in : sums_in_) {
            if (!in.progress()) return;
        }
        for (auto& w : works_) {
            if (!w.out.progress() || !w.onward.progress()) return;
        }
    }

    static void copy(matrix<const T> from, matrix<T> to) {
        for (long i = 0; i < to.rows; ++i) std::copy_n(&from(i, 0), to.columns, &to(i, 0));
    }

    void abandon() {  // requests that failed may still write there
        panels_.forget();
        partial_.forget();
        summands_.forget();
    }

    communicator* comm_;
    plan plan_;
    place at_;
    std::vector<turn> turns_;
    buffer<T> panels_, partial_, summands_;
    long used_ = 0;
    std::deque<work> works_;
    struct pack {
        matrix<const T> from;
        matrix<T> to;
    };
    std::vector<pack> copies_;
    local_sum<T> sums_;
    std::deque<messages> sums_in_, sums_out_;
    std::vector<matrix<T>> arriving_;
    std::size_t first_pending_ = 0;
};

}  // namespace mpar::matmul
