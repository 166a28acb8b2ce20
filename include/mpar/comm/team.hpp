// SPDX-License-Identifier: MIT
// The ranks of a node that work in one memory. Knows MPI's windows; nothing of layers.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/comm/communicator.hpp>
#include <mpar/core/cores.hpp>
#include <mpar/tensor/crew.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace mpar {

/// How ranks of one node work together.
enum class teaming {
    off,   ///< not: they exchange messages as ranks of different nodes do
    claim  ///< one copy of activations and weights; each step's units go to whoever claims them
};

constexpr std::string_view name_of(teaming t) { return t == teaming::off ? "off" : "claim"; }

/// Ranks of one node as one place of the mesh: its first member sends and receives for all.
class team {
public:
    /// Finds the ranks that share memory with this one, and divides them into teams of at most
    /// `most` (0: no limit; a NUMA domain's cores, say); with `off` each rank is alone.
    /// collective over `comm`, which must outlive the team and not move. throws: error(mpi).
    team(communicator& comm, teaming how, int most = 0)
        : comm_(comm), count_(comm.size()), index_(comm.rank()) {
        if (how == teaming::off || comm.size() == 1) return;
        split_off(comm, most);
        MPI_Comm_rank(node_, &member_);
        MPI_Comm_size(node_, &members_);
        MPI_Comm leaders = MPI_COMM_NULL;
        check(
            MPI_Comm_split(comm.handle(), member_ == 0 ? 0 : MPI_UNDEFINED, comm.rank(), &leaders),
            "MPI_Comm_split");
        int place[2] = {0, 1};
        if (leaders != MPI_COMM_NULL) {
            leaders_.emplace(communicator::adopt(leaders, comm.deadline()));
            place[0] = leaders_->rank();
            place[1] = leaders_->size();
        }
        check(MPI_Bcast(place, 2, MPI_INT, 0, node_), "MPI_Bcast");
        index_ = place[0];
        count_ = place[1];
    }
    team(const team&) = delete;
    team& operator=(const team&) = delete;
    ~team() {
        int over = 0;
        MPI_Finalized(&over);
        if (node_ != MPI_COMM_NULL && !over && !is_broken()) MPI_Comm_free(&node_);
    }

    /// Which team of how many: the seat on the model axis.
    int index() const { return index_; }
    int count() const { return count_; }
    int member() const { return member_; }
    int members() const { return members_; }
    bool leads() const { return member_ == 0; }

    /// Who speaks with the other teams. requires: leads().
    communicator& outside() { return leaders_ ? *leaders_ : comm_; }

    bool is_broken() const { return comm_.is_broken() || (leaders_ && leaders_->is_broken()); }
    void mark_broken() { comm_.mark_broken(); }

    /// Looks before a member's wait yields its core: few, where members outnumber the cores (one
    /// core each is what a launcher that binds ranks leaves).
    long spins() const { return cores() >= members_ || cores() == 1 ? 20000 : 16; }

    MPI_Comm node() const { return node_; }

private:
    void split_off(communicator& comm, int most) {
        MPI_Comm all = MPI_COMM_NULL;
        check(MPI_Comm_split_type(comm.handle(), MPI_COMM_TYPE_SHARED, comm.rank(), MPI_INFO_NULL,
                                  &all),
              "MPI_Comm_split_type");
        MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN);
        if (most < 1) {
            node_ = all;
            return;
        }
        int place = 0;
        MPI_Comm_rank(all, &place);
        check(MPI_Comm_split(all, place / most, place, &node_), "MPI_Comm_split");
        MPI_Comm_set_errhandler(node_, MPI_ERRORS_RETURN);
        MPI_Comm_free(&all);
    }

    communicator& comm_;
    std::optional<communicator> leaders_;  ///< of its first members, and in these alone
    MPI_Comm node_ = MPI_COMM_NULL;
    int count_, index_;
    int member_ = 0, members_ = 1;
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
