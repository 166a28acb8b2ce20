// SPDX-License-Identifier: MIT
// How long a wait for others lasts, and how it passes its time. Knows nothing of whom it waits for.
#pragma once

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace mpar {

/// A span of time. (<chrono> would cost every translation unit a third of a second.)
class seconds {
public:
    constexpr explicit seconds(double count) : count_(count) {}
    constexpr double count() const { return count_; }
    constexpr bool operator==(const seconds&) const = default;

private:
    double count_;
};

/// "300 s", "0.5 s"
inline std::string in_words(seconds time) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), time.count());
    return std::string(text.data(), end.ptr) + " s";
}

/// One wait: spins, then yields, so that oversubscribed ranks make progress, until its deadline.
class patience {
public:
    explicit patience(seconds deadline, long spins = 64)
        : deadline_(deadline.count()), spins_(spins) {}

    /// Between two looks. returns: false when the deadline has passed.
    bool goes_on() {
        if (spun_ < spins_) {
            ++spun_;
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#endif
            return true;
        }
        sched_yield();
        const double time = now();
        // Who was itself held up must not blame the others: of one round no more is counted.
        if (last_ > 0) passed_ += std::min(time - last_, longest_round);
        last_ = time;
        return passed_ <= deadline_;
    }

private:
    static constexpr double longest_round = 0.25;

    static double now() {
        timespec t{};
        clock_gettime(CLOCK_MONOTONIC, &t);
        return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
    }

    double deadline_, passed_ = 0, last_ = 0;
    long spins_, spun_ = 0;
};

}  // namespace mpar
