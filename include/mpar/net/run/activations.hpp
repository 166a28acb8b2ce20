// SPDX-License-Identifier: MIT
// The tensors between steps as views of a rank's one piece of memory. Knows boxes, runs nothing.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/plan/plan.hpp>

#include <cstddef>
#include <span>

namespace mpar {

/// The memory that a rank, or a team, has for all tensors of a plan, with its members' workspaces
/// behind.
template <class Backend, class T>
class activations {
public:
    activations() = default;
    /// `workspace`: bytes of each. collective over the team, which must outlive this.
    /// throws: error(device) when memory is unavailable.
    [[gnu::cold]] activations(const part& mine, team& t, long workspace, int workspaces)
        : tensors_(mine.tensors),
          memory_(t, bytes(mine, workspace, workspaces)),
          member_(t.how() == teaming::static_ ? t.member() : 0),
          workspace_(mine.arena_bytes + (workspaces > 1 ? t.member() * workspace : 0)) {}

    static std::size_t bytes(const part& mine, long workspace, int workspaces) {
        return std::size_t(mine.arena_bytes + workspaces * workspace);
    }
    std::size_t bytes() const { return memory_.bytes(); }

    /// All that this rank holds of a tensor. Where that is a sum in parts, it is this rank's
    /// summand on a level of their tree.
    view<T> whole_of(int t, int level = 0) const { return whole_of(t, member_, level); }

    /// The view of a box of a tensor, given in the indices of the whole tensor.
    view<T> region(int t, const box& b, int level = 0) const {
        return part_of(whole_of(t, level), t, b);
    }
    /// The view of a box of the summands that belong to a member of the team.
    view<T> region_of(int member, int t, const box& b) const {
        return part_of(whole_of(t, member, 0), t, b);
    }
    T* workspace() const { return at(workspace_); }

private:
    const tensor_part& part_at(int t) const { return tensors_[std::size_t(t)]; }

    view<T> whole_of(int t, int member, int level) const {
        const auto& m = part_at(t);
        if (m.home >= 0) {
            box there = m.held;  // in the indices of the tensor in which it lies
            there.c = {there.c.lo + m.home_channel, there.c.hi + m.home_channel};
            return part_of(whole_of(m.home, member, level), m.home, there);
        }
        const long each = storage(m.held.extents(), m.block) * long(sizeof(T));
        return dense_view(at(m.offset + member * m.copy + level * each), m.held.extents(), m.block);
    }
    view<T> part_of(const view<T>& all, int t, box b) const {
        if (b.empty()) return {};
        const auto& m = part_at(t);
        if (m.images) {  // a slice lies where those before it did
            const int before = (b.n.lo - m.held.n.lo) / m.images * m.images;
            b.n = {b.n.lo - before, b.n.hi - before};
        }
        return all.part(relative(b, m.held));
    }
    T* at(long byte) const {
        return reinterpret_cast<T*>(static_cast<std::byte*>(memory_.data()) + byte);
    }

    growing<tensor_part> tensors_;
    team_memory<typename Backend::memory> memory_;
    int member_ = 0;
    long workspace_ = 0;
};

/// Adds views of equal extents up in place, by pairs of neighbours, then by pairs of pairs: a tree
/// that does not depend on who computed which. Views without memory are absent. Returns the sum.
template <class Backend, class T>
view<T> add_up(typename Backend::queue& queue, std::span<view<T>> summands) {
    for (std::size_t stride = 1; stride < summands.size(); stride *= 2) {
        for (std::size_t i = 0; i + stride < summands.size(); i += 2 * stride) {
            auto &a = summands[i], &b = summands[i + stride];
            if (!b.data) continue;
            if (a.data) {
                Backend::add(queue, view<const T>(a), view<const T>(b), activation{}, a);
            } else {
                a = b;
            }
        }
    }
    return summands.empty() ? view<T>{} : summands.front();
}

}  // namespace mpar
