// SPDX-License-Identifier: MIT
// Ends a test job that has no end: a rank that waits for another for ever. Knows nothing of MPI.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>

namespace mpar_test {

/// One thread per process that sleeps until the deadline of MPAR_TEST_DEADLINE seconds (300).
class watchdog {
public:
    static constexpr int exit_code = 86;

    static void start() {
        const char* text = std::getenv("MPAR_TEST_DEADLINE");
        const int seconds = text ? std::max(1, std::atoi(text)) : 300;
        self().seconds_ = seconds;
        self().deadline_ = clock::now() + std::chrono::seconds(seconds);
        self().thread_ = std::thread([] { self().watch(); });
    }

    static void stop() {
        {
            std::lock_guard lock(self().mutex_);
            self().done_ = true;
        }
        self().wake_.notify_all();
        self().thread_.join();
    }

    static void now_in(const std::string& place) {
        std::lock_guard lock(self().mutex_);
        self().place_ = place;
    }

    static void is_rank(int rank, int ranks) {
        std::lock_guard lock(self().mutex_);
        self().rank_ = rank;
        self().ranks_ = ranks;
    }

    /// A rank that left a test case early may never meet the others again: it waits for them a
    /// quarter of the time, at most 10 seconds.
    static void a_failure_was_seen() {
        {
            std::lock_guard lock(self().mutex_);
            if (self().ranks_ == 1) return;
            const std::chrono::seconds patience(std::min(10, self().seconds_ / 4 + 1));
            self().deadline_ = std::min(self().deadline_, clock::now() + patience);
            self().failed_ = true;
        }
        self().wake_.notify_all();
    }

private:
    using clock = std::chrono::steady_clock;

    static watchdog& self() {
        static watchdog one;
        return one;
    }

    void watch() {
        std::unique_lock lock(mutex_);
        while (!done_ && clock::now() < deadline_) wake_.wait_until(lock, deadline_);
        if (done_) return;
        std::cout.flush();
        std::fflush(stdout);
        if (failed_) {
            std::fprintf(stderr,
                         "[rank %d] ended: a test failed here and the other ranks do not follow "
                         "(now in: %s)\n",
                         rank_, place_.c_str());
        } else {
            std::fprintf(stderr, "[rank %d] ended: no end of \"%s\" after %d seconds, %d ranks\n",
                         rank_, place_.c_str(), seconds_, ranks_);
        }
        usleep(
            500'000);  // the launcher ends all ranks when one is gone: let the others speak first
        _exit(exit_code);
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::thread thread_;
    clock::time_point deadline_;
    std::string place_ = "the start of MPI";
    int rank_ = 0, ranks_ = 1, seconds_ = 0;
    bool done_ = false, failed_ = false;
};

}  // namespace mpar_test
