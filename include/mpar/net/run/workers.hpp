// SPDX-License-Identifier: MIT
// Who runs a rank's kernels: its threads, and the other members of its team. Knows no plan.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/core/error.hpp>
#include <mpar/core/function_ref.hpp>

#include <concepts>
#include <string_view>

namespace mpar {

/// Backends whose queue can be a crew's: several ranks and threads work in one memory.
template <class Backend>
inline constexpr bool works_in_teams = std::derived_from<typename Backend::queue, crew>;

/// The queue of a rank's kernels and the meetings of its team. With teaming::claim kernels are
/// shared by all members, and end with a meeting; with teaming::fixed each member runs its own, and
/// meets the others after each step.
template <class Backend>
class workers {
public:
    using queue_type = typename Backend::queue;

    /// collective over the team, which must outlive this. throws: error(device), error(mpi).
    [[gnu::cold]] workers(team& t, int rank, seconds deadline) : team_(&t) {
        if constexpr (works_in_teams<Backend>) {
            board_ = muster(t, t.how() == teaming::claim ? queue_ : together_, rank, deadline);
        }
    }

    /// throws: error(device) when a thread is unavailable.
    void hire(int threads) {
        if constexpr (works_in_teams<Backend>) queue_.hire(threads);
    }

    queue_type& queue() { return queue_; }

    /// How many share the units of one kernel.
    int count() const {
        if constexpr (works_in_teams<Backend>) return queue_.workers();
        return 1;
    }
    bool shares_kernels() const { return team_->how() == teaming::claim; }

    /// f(0) .. f(units - 1), shared as a kernel's units are.
    void share(int units, function_ref<void(int)> f) {
        if constexpr (works_in_teams<Backend>) {
            queue_.share(units, [&](long u, int) { f(int(u)); });
        } else {
            for (int u = 0; u < units; ++u) f(u);
        }
    }
    /// f() by each member for itself: kernels within are not shared.
    void alone(function_ref<void()> f) {
        if constexpr (works_in_teams<Backend>) {
            queue_.alone(f);
        } else {
            f();
        }
    }
    /// f() by those who do what is done once for a kernel's sharers; these all wait for it.
    /// throws: what f does; the other members then throw it too.
    void once(function_ref<void()> f) {
        if (team_->leads() || !shares_kernels()) guarded(f);
        meet();
    }
    /// What f, asked once as above, finds: the same for all kernels' sharers. throws: as once().
    bool ask(function_ref<bool()> f) {
        bool answer = false;
        if (team_->leads() || !shares_kernels()) guarded([&] { answer = f(); });
        if constexpr (works_in_teams<Backend>) {
            if (shares_kernels()) return queue_.meet_and_hear(answer);
        }
        return answer;
    }

    /// Waits for the other members. throws: error(no_progress) naming them; what one failed with.
    void meet() {
        if constexpr (works_in_teams<Backend>) meeting().meet();
    }
    /// Meets the others after a kernel, unless its sharers have met already.
    void meet_after_kernel() {
        if (!shares_kernels()) meet();
    }
    void announce(int step, std::string_view words) {
        if constexpr (works_in_teams<Backend>) meeting().announce(step, words);
    }
    /// Whether a member has failed or waited in vain: nobody waits any more.
    bool is_broken() {
        if constexpr (works_in_teams<Backend>) return meeting().is_broken();
        return false;
    }
    [[gnu::cold]] void fail(const error& e) {
        if constexpr (works_in_teams<Backend>) meeting().fail(e);
    }

private:
    void guarded(function_ref<void()> f) {
        try {
            alone(f);
        } catch (const error& e) {
            fail(e);
            throw;
        }
    }
    crew& meeting() {
        if constexpr (works_in_teams<Backend>) {
            if (shares_kernels()) return queue_;
        }
        return together_;
    }

    team* team_;
    team_memory<> board_;
    queue_type queue_;
    crew together_;
};

}  // namespace mpar
