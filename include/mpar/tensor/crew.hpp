// SPDX-License-Identifier: MIT
// A crew: the workers (ranks that share memory, and their threads) who divide one kernel's work.
// They claim units of it and meet at its end. Knows no kernel and no MPI.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/core/patience.hpp>
#include <mpar/tensor/hands.hpp>
#include <mpar/tensor/memory.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace mpar {

/// The board of a crew: the words that its members, each a process, write for each other. It lies
/// in memory that all of them reach; every member's own words are alone on their cache lines.
class crew_board {
public:
    /// How much memory a board takes.
    static std::size_t bytes(int members) {
        return sizeof(crew_board) + std::size_t(members) * sizeof(line);
    }
    /// Makes a board of zeros. requires: bytes(members) at `memory`, aligned to 128; called once.
    static crew_board* make(void* memory, int members) {
        auto* board = new (memory) crew_board;
        for (int m = 0; m < members; ++m) new (board->lines() + m) line;
        return board;
    }

private:
    friend class crew;

    /// The claims of one work: how many units are taken, and how many of those from either end.
    struct alignas(128) round {
        std::atomic<long> taken{0}, from_front{0}, from_back{0};
    };
    /// Where a member tells that it is there, at every other meeting: the one line is fetched for
    /// writing while the other one is looked at.
    struct alignas(128) arrival {
        std::atomic<std::uint64_t> at{0};  ///< the number of its last meeting
        std::atomic<bool> answer{false};   ///< of the first member, to what is asked there
    };
    struct alignas(128) line {
        arrival arrived[2];
        int rank = 0;  ///< as messages call this member
    };
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

    line* lines() { return reinterpret_cast<line*>(this + 1); }

    round rounds_[3];
    alignas(128) std::atomic<int> failed_{0};  ///< 1: being written, 2: kind_ and words_ hold
    int kind_ = 0;
    char words_[512] = {};
};

/// One member's view of its crew, which is also the queue of the kernels that the crew computes.
///
/// All members call the same kernels with the same arguments in the same order. A kernel divides its
/// work by share(): each unit is done by whoever claims it first, so that a slow core does not hold
/// the others up; which one it is must not change a bit. A crew of one is the plain loop.
class crew : public host_queue {
public:
    crew() = default;

    /// Becomes member `member` of `members` who all join that board. requires: before any work.
    /// `rank` is what messages call this member, and `spins` how often a wait looks before it
    /// yields.
    [[gnu::cold]] void join(crew_board* board, int member, int members, int rank, seconds deadline,
                            long spins) {
        board_ = board;
        member_ = member;
        members_ = members;
        deadline_ = deadline;
        spins_ = spins;
        if (board_) board_->lines()[member_].rank = rank;
    }

    /// Adds threads, so that this member works with `count` hands. requires: the same count for all
    /// members; before any work.
    void hire(int count) { hands_ = count > 1 ? std::make_unique<hands>(count - 1) : nullptr; }

    int members() const { return members_; }
    int member() const { return member_; }
    bool leads() const { return member_ == 0; }
    int hands_each() const { return hands_ ? hands_->count() + 1 : 1; }
    int workers() const { return members_ * hands_each(); }

    /// What messages say is being done: "step 7 (conv2d<...>)". `words` must live on.
    void announce(int step, std::string_view words) {
        step_ = step;
        words_ = words;
    }

    /// f(unit, worker) for the units [0, count), each once; all are done, and seen by all members,
    /// when it returns. Even members take from the front, odd ones from the back: each stays near
    /// what it wrote before. Inside of f: the plain loop. f must not throw.
    /// throws: error(no_progress) naming the step and the silent ranks; what a member fail()ed with.
    void share(long count, function_ref<void(long, int)> f) {
        if (workers() == 1 || inside_) {
            for (long u = 0; u < count; ++u) f(u, worker_);
            return;
        }
        crew_board::round& r = here()->rounds_[shares_ % 3];
        const auto work = [&](int hand) {
            const int worker = member_ * hands_each() + hand;
            const bool back = unit_after(0, worker) < 0;
            while (r.taken.fetch_add(1, std::memory_order_relaxed) < count) {
                f(back ? count - 1 - r.from_back.fetch_add(1, std::memory_order_relaxed)
                       : r.from_front.fetch_add(1, std::memory_order_relaxed),
                  worker);
            }
        };
        inside_ = true;
        if (hands_) {
            hands_->work(work);
        } else {
            work(0);
        }
        inside_ = false;
        ++shares_;
        if (leads()) {  // the next share's round: in no one's hands since the meeting before last
            auto& next = here()->rounds_[shares_ % 3];
            next.taken.store(0, std::memory_order_relaxed);
            next.from_front.store(0, std::memory_order_relaxed);
            next.from_back.store(0, std::memory_order_relaxed);
        }
        meet();
    }

    /// The unit that a worker of share() will do after this one, unless another claims it first.
    static long unit_after(long unit, int worker) { return worker % 2 ? unit - 1 : unit + 1; }

    /// Calls f() on this member alone, which then does all units that f shares.
    void alone(function_ref<void()> f) {
        const bool before = std::exchange(inside_, true);
        struct restore {
            bool &inside, to;
            ~restore() { inside = to; }
        } at_end{inside_, before};
        f();
    }
    /// Calls f() on the first member alone. It is done, and seen by all, when this returns.
    void single(function_ref<void()> f) {
        if (leads()) alone(f);
        meet();
    }

    /// Waits for all members. throws: as share().
    void meet() {
        if (members_ == 1) return;
        auto* const lines = board_->lines();
        ++meetings_;
        lines[member_].arrived[meetings_ % 2].at.store(meetings_, std::memory_order_release);
        __builtin_prefetch(&lines[member_].arrived[(meetings_ + 1) % 2], 1);
        for (int m = 0; m < members_; ++m) {
            for (int look = 0; !is_there(m); ++look) {
                if (look < 64) continue;
                wait_for(m);
                break;
            }
        }
    }

    /// Meets, and gives all members what the first one says.
    bool meet_and_hear(bool said) {
        if (members_ == 1) return said;
        auto* const lines = board_->lines();
        if (leads()) {
            lines[0].arrived[(meetings_ + 1) % 2].answer.store(said, std::memory_order_relaxed);
        }
        meet();
        return lines[0].arrived[meetings_ % 2].answer.load(std::memory_order_relaxed);
    }

    /// Whether a member has failed, or has waited in vain.
    bool is_broken() const {
        return board_ && board_->failed_.load(std::memory_order_acquire) != 0;
    }

    /// Tells the other members, who wait or will wait, that this one comes no more. They throw `e`.
    [[gnu::cold]] void fail(const error& e) {
        if (members_ > 1) tell(e);
    }

private:
    /// Whether member m has come to the last meeting that this one has.
    bool is_there(int m) const {
        return board_->lines()[m].arrived[meetings_ % 2].at.load(std::memory_order_acquire) >=
               meetings_;
    }
    void tell(const error& e) const {
        int none = 0;
        if (!board_->failed_.compare_exchange_strong(none, 1)) return;
        board_->kind_ = static_cast<int>(e.kind());
        std::strncpy(board_->words_, e.what(), sizeof board_->words_ - 1);
        board_->failed_.store(2, std::memory_order_release);
    }

    crew_board* here() {
        if (board_) return board_;
        if (!own_) own_ = std::make_unique<crew_board>();
        return own_.get();
    }

    /// Waits for longer than a few looks.
    void wait_for(int other) const {
        patience wait(deadline_, spins_);
        while (!is_there(other)) {
            if (board_->failed_.load(std::memory_order_acquire) == 2) throw_theirs();
            if (!wait.goes_on()) give_up();
        }
    }

    [[noreturn]] void throw_theirs() const {
        throw error(static_cast<fault>(board_->kind_), board_->words_);
    }
    /// Throws an error that names the silent ranks, and tells the others not to wait for this one.
    [[noreturn]] void give_up() const {
        std::string names;
        for (int m = 0; m < members_; ++m) {
            if (is_there(m)) continue;
            names += (names.empty() ? "rank " : ", ") + std::to_string(board_->lines()[m].rank);
        }
        const error silent(fault::no_progress,
                           "mpar: rank " + std::to_string(board_->lines()[member_].rank) +
                               ", step " + std::to_string(step_) + " (" + std::string(words_) +
                               "): nothing from " + (names.empty() ? "another rank" : names) +
                               " for " + in_words(deadline_));
        tell(silent);
        throw silent;
    }

    crew_board* board_ = nullptr;
    std::unique_ptr<crew_board> own_;  ///< of one member with several hands
    std::unique_ptr<hands> hands_;
    int member_ = 0, members_ = 1, worker_ = 0;
    seconds deadline_{300};
    long spins_ = 0;
    std::uint64_t meetings_ = 0, shares_ = 0;
    bool inside_ = false;
    int step_ = 0;
    std::string_view words_;
};

}  // namespace mpar
