// SPDX-License-Identifier: MIT
// How far a program's work is, drawn on a terminal while it takes more than a second. Knows no work.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include <unistd.h>

namespace tools {

/// A bar on standard error, of one rank, where that is a terminal; erased when the work is over.
class progress {
public:
    /// `total`: steps of the work.
    progress(const char* work, long total, int rank)
        : work_(work), total_(total), is_seen_(rank == 0 && ::isatty(STDERR_FILENO) == 1) {}
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    ~progress() { hide(); }

    /// Makes room for what is printed; the next at() draws it again.
    void hide() {
        if (drawn_) std::fputs("\r\x1b[K", stderr);
        drawn_ = false;
    }

    /// `done` of the steps are over. Draws at most ten times a second.
    void at(long done) {
        const auto now = clock::now();
        if (!is_seen_ || now < next_) return;
        next_ = now + std::chrono::milliseconds(100);
        const auto filled = static_cast<std::size_t>(width * done / total_);
        const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
        std::fprintf(stderr, "\r%s [%s] %ld/%ld", work_, bar.c_str(), done, total_);
        std::fflush(stderr);
        drawn_ = true;
    }

private:
    using clock = std::chrono::steady_clock;
    static constexpr long width = 40;

    const char* work_;
    long total_;
    bool is_seen_, drawn_ = false;
    clock::time_point next_ = clock::now() + std::chrono::seconds(1);
};

}  // namespace tools
