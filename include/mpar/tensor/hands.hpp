// SPDX-License-Identifier: MIT
// Hands: threads of a rank that wait for work of their owner. Knows no kernel and no other process.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/core/patience.hpp>

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace mpar {

/// The hands of one owner, `count` threads beside the owner's own. They take over the owner's set
/// of cores, and sleep when no work has come for some thousand looks.
class hands {
public:
    /// throws: error(device) when a thread is unavailable.
    explicit hands(int count) : threads_(new thread[std::size_t(count)]) {
        pthread_mutex_init(&mutex_, nullptr);
        pthread_cond_init(&wake_, nullptr);
        for (; count_ < count; ++count_) {
            auto& t = threads_[std::size_t(count_)];
            t.owner = this;
            t.number = count_ + 1;
            if (pthread_create(&t.id, nullptr, &hands::run, &t) != 0) {
                dismiss();
                throw error(fault::device, "mpar: thread " + std::to_string(count_ + 1) + " of " +
                                               std::to_string(count) + " is unavailable");
            }
        }
    }
    hands(const hands&) = delete;
    hands& operator=(const hands&) = delete;
    ~hands() { dismiss(); }

    int count() const { return count_; }

    /// Calls f(0) here and f(1) .. f(count()) on the threads, and returns when all have returned.
    void work(function_ref<void(int)> f) {
        job_ = &f;
        call();
        f(0);
        for (int i = 0; i < count_; ++i) {
            patience wait(seconds(1e9), 1 << 14);
            while (threads_[std::size_t(i)].done.load(std::memory_order_acquire) < calls_now())
                wait.goes_on();
        }
    }

private:
    struct alignas(128) thread {
        pthread_t id{};
        hands* owner = nullptr;
        int number = 0;
        std::atomic<std::uint64_t> done{0};  ///< calls answered
    };

    std::uint64_t calls_now() const { return calls_.load(std::memory_order_relaxed); }

    void call() {
        calls_.fetch_add(1);
        if (sleeping_.load() == 0) return;
        pthread_mutex_lock(&mutex_);
        pthread_cond_broadcast(&wake_);
        pthread_mutex_unlock(&mutex_);
    }

    /// Waits for a call after `last`. returns: its number.
    std::uint64_t next(std::uint64_t last) {
        constexpr int looks = 1 << 14;
        for (int i = 0; i < looks; ++i) {
            if (const auto now = calls_.load(std::memory_order_acquire); now != last) return now;
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#endif
        }
        pthread_mutex_lock(&mutex_);
        sleeping_.fetch_add(1);
        while (calls_.load() == last) pthread_cond_wait(&wake_, &mutex_);
        sleeping_.fetch_sub(1);
        pthread_mutex_unlock(&mutex_);
        return calls_.load();
    }

    static void* run(void* p) {
        auto& me = *static_cast<thread*>(p);
        hands& all = *me.owner;
        for (std::uint64_t last = 0;;) {
            last = all.next(last);
            if (!all.job_) return nullptr;
            (*all.job_)(me.number);
            me.done.store(last, std::memory_order_release);
        }
    }

    void dismiss() {
        job_ = nullptr;
        call();
        for (int i = 0; i < count_; ++i) pthread_join(threads_[std::size_t(i)].id, nullptr);
        pthread_cond_destroy(&wake_);
        pthread_mutex_destroy(&mutex_);
    }

    std::unique_ptr<thread[]> threads_;
    int count_ = 0;
    const function_ref<void(int)>* job_ = nullptr;
    alignas(128) std::atomic<std::uint64_t> calls_{0};
    std::atomic<int> sleeping_{0};
    pthread_mutex_t mutex_;
    pthread_cond_t wake_;
};

}  // namespace mpar
