// SPDX-License-Identifier: MIT
// A team: ranks of one node that work in one memory, where a message would be a waste. Knows
// nothing of layers.
#pragma once

#include <mpar/comm/all_gather.hpp>
#include <mpar/comm/all_reduce.hpp>
#include <mpar/comm/broadcast.hpp>
#include <mpar/comm/communicator.hpp>
#include <mpar/comm/shared_block.hpp>
#include <mpar/core/cores.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/tensor/crew.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mpar {

/// How ranks of one node work together.
enum class teaming {
    off,    ///< not: they exchange messages as ranks of different nodes do
    claim,  ///< one copy of activations and weights; each step's units go to whoever claims them
    fixed,  ///< one copy of activations; each rank computes its own part, as if it were alone
    static_ = fixed,  ///< another word for it, which programs accept and print
};

constexpr std::string_view name_of(teaming t) {
    switch (t) {
        case teaming::off: return "off";
        case teaming::claim: return "claim";
        case teaming::fixed: return "static";
    }
    return "?";
}

/// The way of working together of that name, or nothing: "fixed" and "static" are one.
constexpr std::optional<teaming> teaming_named(std::string_view name) {
    if (name == "fixed") return teaming::fixed;
    for (const auto t : {teaming::off, teaming::claim, teaming::fixed}) {
        if (name_of(t) == name) return t;
    }
    return std::nullopt;
}

/// A team as one of its members sees it. A seat is a place on the model axis of the mesh, which
/// either one rank or a whole team takes.
class team {
public:
    /// Finds the ranks that share memory with this one, and divides them into teams of at most
    /// `most` (0: no limit; a NUMA domain's cores, say), none of which has ranks of two of the
    /// `groups` equal parts of the communicator; with `off` each rank is alone, as with `claim`
    /// where groups would have different numbers of teams, or a node has no room for `shared` bytes
    /// that a team's ranks can have in common.
    /// collective over `comm`, which must outlive the team and not move. throws: error(mpi).
    [[gnu::cold]] team(communicator& comm, teaming how, int most = 0, int groups = 1,
                       std::size_t shared = 1)
        : comm_(comm), how_(how) {
        if (how == teaming::off || comm.size() == groups) {
            how_ = teaming::off;
            return;
        }
        const int group = comm.rank() / (comm.size() / groups);
        split_off(comm, most, groups > 1 ? group : -1);
        if (!shares_memory(comm, shared)) {
            disband();
            return;
        }
        number_teams(comm);
        if (how == teaming::fixed) number_seats(comm);
        if (how == teaming::claim && groups > 1 && !is_even(comm, group, groups)) disband();
    }
    team(const team&) = delete;
    team& operator=(const team&) = delete;

    teaming how() const { return how_; }
    /// Why its ranks do not work as they were asked to, on the first rank of all; empty: they do.
    const std::string& note() const { return note_; }
    int member() const { return member_; }
    int members() const { return members_; }
    bool leads() const { return member_ == 0; }

    /// The place on the model axis: that of the whole team with `claim`, else this rank's own.
    int seat() const { return how_ == teaming::claim ? index_ : speaks().rank(); }
    int seats() const { return how_ == teaming::claim ? count_ : speaks().size(); }
    /// With `fixed`, the first seat of each team, in order; else none: each seat has its own memory.
    const growing<int>& first_seats() const { return first_seats_; }

    /// Whether this rank exchanges messages: with `claim` the first member for all, else everybody.
    bool exchanges() const { return how_ != teaming::claim || leads(); }
    /// The communicator whose ranks are the seats. requires: exchanges().
    communicator& outside() { return outside_ ? *outside_ : comm_; }

    bool is_broken() const { return comm_.is_broken(); }
    /// Notes a failure: what others may still use is not freed any more.
    void mark_broken() {
        comm_.mark_broken();
        if (node_) node_->mark_broken();
        if (outside_) outside_->mark_broken();
    }

    /// How often a member's wait looks before it yields its core: rarely, where members outnumber
    /// the cores (one core each is what a launcher that binds ranks leaves).
    long spins() const { return cores() >= members_ || cores() == 1 ? 20000 : 16; }

    /// The communicator of its members. requires: more than one.
    communicator& node() { return *node_; }

private:
    const communicator& speaks() const { return outside_ ? *outside_ : comm_; }

    static MPI_Comm split(MPI_Comm from, int color, int key) {
        MPI_Comm made = MPI_COMM_NULL;
        check(MPI_Comm_split(from, color, key, &made), "MPI_Comm_split");
        if (made != MPI_COMM_NULL) MPI_Comm_set_errhandler(made, MPI_ERRORS_RETURN);
        return made;
    }

    /// Whether the members of each team of all ranks can have memory in common. collective.
    [[gnu::cold]] bool shares_memory(communicator& comm, std::size_t bytes) {
        std::string why;
        try {
            if (members_ > 1) {
                shared_block(*node_, 1);
                agree(*node_, [&] {
                    if (leads()) shared_block::require_room(bytes);
                });
            }
        } catch (const error& e) {
            if (e.kind() != fault::device) throw;
            why = e.what();
        }
        const int who =
            int(all_reduce(comm, why.empty() ? long(comm.size()) : long(comm.rank()), MPI_MIN));
        if (who == comm.size()) return true;
        char words[256] = {};
        why.copy(words, sizeof words - 1);
        broadcast(comm, words, sizeof words, who);
        constexpr std::size_t prefix = 6;  // "mpar: "
        note_ = "the ranks work without teams: " + std::string(words).substr(prefix);
        return false;
    }

    /// Whether all groups have as many teams.
    [[gnu::cold]] bool is_even(communicator& comm, int group, int groups) const {
        growing<int> teams(std::size_t(groups), 0);
        for (const long g : all_gather(comm, leads() ? long(group) : -1L)) {
            if (g >= 0) ++teams[std::size_t(g)];
        }
        return teams == growing<int>(std::size_t(groups), teams.front());
    }
    [[gnu::cold]] void disband() {
        how_ = teaming::off;
        node_.reset();
        outside_.reset();
        member_ = 0;
        members_ = 1;
    }

    [[gnu::cold]] void split_off(communicator& comm, int most, int group) {
        MPI_Comm node = MPI_COMM_NULL;
        check(MPI_Comm_split_type(comm.handle(), MPI_COMM_TYPE_SHARED, comm.rank(), MPI_INFO_NULL,
                                  &node),
              "MPI_Comm_split_type");
        node_.emplace(communicator::adopt(node, comm.deadline()));
        const auto divide = [&](int color) {
            communicator all = std::move(*node_);
            node_.emplace(
                communicator::adopt(split(all.handle(), color, all.rank()), comm.deadline()));
        };
        if (group >= 0) divide(group);
        if (most > 0) divide(node_->rank() / most);
        member_ = node_->rank();
        members_ = node_->size();
    }

    /// Numbers teams in the order of their first members.
    [[gnu::cold]] void number_teams(communicator& comm) {
        int place[2] = {0, 1};
        MPI_Comm leaders = split(comm.handle(), leads() ? 0 : MPI_UNDEFINED, comm.rank());
        if (leads()) {
            outside_.emplace(communicator::adopt(leaders, comm.deadline()));
            place[0] = outside_->rank();
            place[1] = outside_->size();
        }
        broadcast(*node_, place, sizeof place, 0);
        index_ = place[0];
        count_ = place[1];
    }

    /// Numbers seats team after team, so that neighbours on the model axis are neighbours in
    /// memory.
    [[gnu::cold]] void number_seats(communicator& comm) {
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
    std::optional<communicator> node_, outside_;
    int index_ = 0, count_ = 1;
    int member_ = 0, members_ = 1;
    growing<int> first_seats_;
    std::string note_;
};

/// Memory of a whole team, or of a rank that is alone: not initialised.
template <class Memory = host_memory>
class team_memory {
public:
    team_memory() = default;
    /// collective over the team. throws: error(device) when memory is unavailable.
    team_memory(team& t, std::size_t bytes) : bytes_(bytes) {
        if (t.members() > 1) {
            shared_ = shared_block(t.node(), std::max<std::size_t>(bytes, 1));
        } else if (bytes) {
            own_ = Memory::allocate(bytes);
        }
    }
    team_memory(team_memory&& other) noexcept { *this = std::move(other); }
    team_memory& operator=(team_memory&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(own_, other.own_);
        std::swap(shared_, other.shared_);
        return *this;
    }
    ~team_memory() {
        if (own_) Memory::release(own_);
    }

    void* data() const { return own_ ? own_ : shared_.data(); }
    std::size_t bytes() const { return bytes_; }

private:
    std::size_t bytes_ = 0;
    void* own_ = nullptr;
    shared_block shared_;
};

/// Makes a crew of the members of a team. returns: the memory of the board at which they meet.
/// collective over the team.
inline team_memory<> muster(team& t, crew& workers, int rank, seconds deadline) {
    if (t.members() == 1) return {};
    team_memory<> memory(t, crew_board::bytes(t.members()));
    if (t.leads()) crew_board::make(memory.data(), t.members());
    all_reduce(t.node(), 0, MPI_SUM);  // the board is made
    auto* board = static_cast<crew_board*>(memory.data());
    workers.join(board, t.member(), t.members(), rank, deadline, t.spins());
    return memory;
}

}  // namespace mpar
