// SPDX-License-Identifier: MIT
// The ranks of a node that work in one memory. Knows MPI's windows; nothing of layers.
#pragma once

#include <mpar/comm/all_gather.hpp>
#include <mpar/comm/communicator.hpp>
#include <mpar/core/cores.hpp>
#include <mpar/tensor/crew.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace mpar {

/// How ranks of one node work together.
enum class teaming {
    off,    ///< not: they exchange messages as ranks of different nodes do
    claim,  ///< one copy of activations and weights; each step's units go to whoever claims them
    fixed   ///< one copy of activations; each rank computes its own part, as if it were alone
};

constexpr std::string_view name_of(teaming t) {
    switch (t) {
        case teaming::off: return "off";
        case teaming::claim: return "claim";
        case teaming::fixed: return "static";
    }
    return "?";
}

/// Ranks of one node that have one memory.
class team {
public:
    /// Finds the ranks that share memory with this one, and divides them into teams of at most
    /// `most` (0: no limit; a NUMA domain's cores, say); with `off` each rank is alone.
    /// collective over `comm`, which must outlive the team and not move. throws: error(mpi).
    team(communicator& comm, teaming how, int most = 0) : comm_(comm), how_(how) {
        if (how == teaming::off || comm.size() == 1) {
            how_ = teaming::off;
            return;
        }
        split_off(comm, most);
        number_teams(comm);
        if (how == teaming::fixed) number_seats(comm);
    }
    team(const team&) = delete;
    team& operator=(const team&) = delete;
    ~team() {
        int over = 0;
        MPI_Finalized(&over);
        if (node_ != MPI_COMM_NULL && !over && !is_broken()) MPI_Comm_free(&node_);
    }

    teaming how() const { return how_; }
    int member() const { return member_; }
    int members() const { return members_; }
    bool leads() const { return member_ == 0; }

    /// The place on the model axis: that of the whole team with `claim`, else this rank's own.
    int seat() const { return how_ == teaming::claim ? index_ : speaks().rank(); }
    int seats() const { return how_ == teaming::claim ? count_ : speaks().size(); }
    /// With `fixed`, the first seat of each team, in order; else none: each seat has its own memory.
    const std::vector<int>& first_seats() const { return first_seats_; }

    /// Who exchanges messages: with `claim` the first member for all, else everybody.
    bool exchanges() const { return how_ != teaming::claim || leads(); }
    /// Its ranks are the seats. requires: exchanges().
    communicator& outside() { return outside_ ? *outside_ : comm_; }

    bool is_broken() const { return comm_.is_broken() || (outside_ && outside_->is_broken()); }
    void mark_broken() { comm_.mark_broken(); }

    /// Looks before a member's wait yields its core: few, where members outnumber the cores (one
    /// core each is what a launcher that binds ranks leaves).
    long spins() const { return cores() >= members_ || cores() == 1 ? 20000 : 16; }

    MPI_Comm node() const { return node_; }

private:
    const communicator& speaks() const { return outside_ ? *outside_ : comm_; }

    static MPI_Comm split(MPI_Comm from, int color, int key) {
        MPI_Comm made = MPI_COMM_NULL;
        check(MPI_Comm_split(from, color, key, &made), "MPI_Comm_split");
        if (made != MPI_COMM_NULL) MPI_Comm_set_errhandler(made, MPI_ERRORS_RETURN);
        return made;
    }

    void split_off(communicator& comm, int most) {
        check(MPI_Comm_split_type(comm.handle(), MPI_COMM_TYPE_SHARED, comm.rank(), MPI_INFO_NULL,
                                  &node_),
              "MPI_Comm_split_type");
        MPI_Comm_set_errhandler(node_, MPI_ERRORS_RETURN);
        MPI_Comm_rank(node_, &member_);
        if (most > 0) {
            MPI_Comm all = std::exchange(node_, split(node_, member_ / most, member_));
            MPI_Comm_free(&all);
        }
        MPI_Comm_rank(node_, &member_);
        MPI_Comm_size(node_, &members_);
    }

    /// Teams are numbered in the order of their first members.
    void number_teams(communicator& comm) {
        int place[2] = {0, 1};
        MPI_Comm leaders = split(comm.handle(), leads() ? 0 : MPI_UNDEFINED, comm.rank());
        if (leads()) {
            outside_.emplace(communicator::adopt(leaders, comm.deadline()));
            place[0] = outside_->rank();
            place[1] = outside_->size();
        }
        check(MPI_Bcast(place, 2, MPI_INT, 0, node_), "MPI_Bcast");
        index_ = place[0];
        count_ = place[1];
    }

    /// Team after team, so that neighbours on the model axis are neighbours in memory.
    void number_seats(communicator& comm) {
        const auto before = all_gather(comm, index_ * long(comm.size()) + member_);
        int key = 0;
        for (const long other : before) key += other < index_ * long(comm.size()) + member_;
        outside_.reset();
        outside_.emplace(communicator::adopt(split(comm.handle(), 0, key), comm.deadline()));
        const auto members = all_gather(*outside_, member_);
        for (int s = 0; s < int(members.size()); ++s) {
            if (members[std::size_t(s)] == 0) first_seats_.push_back(s);
        }
    }

    communicator& comm_;
    teaming how_;
    std::optional<communicator> outside_;
    MPI_Comm node_ = MPI_COMM_NULL;
    int index_ = 0, count_ = 1;
    int member_ = 0, members_ = 1;
    std::vector<int> first_seats_;
};

/// Memory of a whole team, or of a rank that is alone: not initialised.
template <class Memory = host_memory>
class team_memory {
public:
    team_memory() = default;
    /// collective over the team. throws: error(device) when memory is not to be had.
    team_memory(team& t, std::size_t bytes) : team_(&t), bytes_(bytes) {
        if (t.members() == 1) {
            if (bytes) data_ = Memory::allocate(bytes);
            return;
        }
        constexpr std::size_t page = 4096;
        const std::size_t mine = t.leads() ? bytes + page : 0;
        void* base = nullptr;
        if (MPI_Win_allocate_shared(MPI_Aint(mine), 1, MPI_INFO_NULL, t.node(), &base, &window_) !=
            MPI_SUCCESS) {
            throw error(fault::device, "mpar: " + std::to_string(bytes >> 20) +
                                           " MiB of memory shared by the ranks of a node are not "
                                           "to be had");
        }
        MPI_Aint size = 0;
        int unit = 0;
        check(MPI_Win_shared_query(window_, 0, &size, &unit, &base), "MPI_Win_shared_query");
        const auto address = reinterpret_cast<std::uintptr_t>(base);
        data_ = reinterpret_cast<void*>((address + page - 1) / page * page);  // the same for all
    }
    team_memory(team_memory&& other) noexcept { *this = std::move(other); }
    team_memory& operator=(team_memory&& other) noexcept {
        std::swap(team_, other.team_);
        std::swap(bytes_, other.bytes_);
        std::swap(data_, other.data_);
        std::swap(window_, other.window_);
        return *this;
    }
    ~team_memory() {
        if (window_ == MPI_WIN_NULL) {
            if (data_) Memory::release(data_);
            return;
        }
        int over = 0;
        MPI_Finalized(&over);
        if (!over && !team_->is_broken()) MPI_Win_free(&window_);
    }

    void* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }

private:
    team* team_ = nullptr;
    std::size_t bytes_ = 0;
    void* data_ = nullptr;
    MPI_Win window_ = MPI_WIN_NULL;
};

/// A crew for the members of a team: the board they meet at, and the crew that meets there.
/// collective over the team.
inline team_memory<> muster(team& t, crew& workers, int rank, seconds deadline) {
    if (t.members() == 1) return {};
    team_memory<> memory(t, crew_board::bytes(t.members()));
    if (t.leads()) crew_board::make(memory.data(), t.members());
    check(MPI_Barrier(t.node()), "MPI_Barrier");
    auto* board = static_cast<crew_board*>(memory.data());
    workers.join(board, t.member(), t.members(), rank, deadline, t.spins());
    return memory;
}

}  // namespace mpar
