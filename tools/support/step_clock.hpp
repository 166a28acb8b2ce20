// SPDX-License-Identifier: MIT
// The seconds of each kernel of a plan while an engine runs it. Knows no network and no message.
#pragma once

#include <mpar/net/run/execute.hpp>
#include <mpar/net/plan/plan.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace tools {

/// Stands between an engine and its kernels. One at a time: functions by index have no other state.
template <class Backend, class T>
class step_clock {
public:
    static constexpr int most = 512;

    /// requires: at most `most` steps, no layer of the net's own; `p` outlives the clock.
    explicit step_clock(const mpar::plan& p) {
        plan_ = &p;
        reset();
    }
    step_clock(const step_clock&) = delete;
    ~step_clock() { plan_ = nullptr; }

    void reset() { seconds_.fill(0); }
    /// Since the last reset.
    double seconds(std::size_t step) const { return seconds_[step]; }

    mpar::net_functions<Backend, T> functions() const {
        static constexpr auto table = []<int... I>(std::integer_sequence<int, I...>) {
            return std::array<mpar::step_function<Backend, T>, most>{&run<I>...};
        }
        (std::make_integer_sequence<int, most>{});
        return {.customs = nullptr, .steps = table.data()};
    }

private:
    template <int I>
    static void run(const mpar::arguments<Backend, T>& a) {
        run_step(I, a);
    }
    static void run_step(std::size_t i, const mpar::arguments<Backend, T>& a) {
        const auto began = std::chrono::steady_clock::now();
        mpar::execute<Backend, T>(plan_->steps[i].what, a, nullptr);
        seconds_[i] +=
            std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    }

    inline static const mpar::plan* plan_ = nullptr;
    inline static std::array<double, most> seconds_{};
};

}  // namespace tools
