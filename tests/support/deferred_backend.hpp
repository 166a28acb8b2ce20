// SPDX-License-Identifier: MIT
// A backend as a device would be one: its memory cannot be touched by the host, its kernels have not
// run when they return. The arithmetic is the reference's.
#pragma once

#include "support/transports.hpp"

#include <mpar/kernels/reference/backend.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <new>

#include <sys/mman.h>

namespace mpar_test {

/// Pages that fault when touched, but while a queue runs.
struct guarded_memory {
    static void* allocate(std::size_t bytes) {
        const std::size_t length = (bytes + 4095) / 4096 * 4096;
        void* p = mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) throw std::bad_alloc();
        blocks()[p] = length;
        return p;
    }
    static void release(void* p) noexcept {
        munmap(p, blocks()[p]);
        blocks().erase(p);
    }
    /// Each opening has a closing; the last one closes.
    static void open() {
        if (openings()++ == 0) protect(PROT_READ | PROT_WRITE);
    }
    static void close() {
        if (--openings() == 0) protect(PROT_NONE);
    }

private:
    static int& openings() {
        static int count = 0;
        return count;
    }
    static std::map<void*, std::size_t>& blocks() {
        static std::map<void*, std::size_t> all;
        return all;
    }
    static void protect(int how) {
        for (const auto& [p, length] : blocks()) mprotect(p, length, how);
    }
};

/// Runs nothing before somebody waits for it, and then no more than is waited for; but some pieces
/// of work each time somebody looks whether an event is done, as many as `pace` says.
class deferred_queue {
public:
    /// Everything that was submitted before it was recorded.
    class event {
    public:
        bool is_done() {
            if (queue_ && queue_->done_ < end_) {
                queue_->run(std::min(end_, queue_->done_ + pace()));
            }
            return !queue_ || queue_->done_ >= end_;
        }
        void finish() {
            if (queue_) queue_->run(end_);
        }

    private:
        friend deferred_queue;
        deferred_queue* queue_ = nullptr;
        long end_ = 0;
    };

    static long& pace() {
        static long works = 0;
        return works;
    }
    /// How often a whole queue was waited for, by all of the process.
    static long& finishes() {
        static long count = 0;
        return count;
    }

    deferred_queue() = default;
    deferred_queue(const deferred_queue&) = delete;
    deferred_queue& operator=(const deferred_queue&) = delete;

    /// Pieces of work that have not been run.
    long waiting() const { return submitted_ - done_; }

    void record(event& e) { e.queue_ = this, e.end_ = submitted_; }
    void wait(const event& e) {
        submit([point = e]() mutable { point.finish(); });
    }
    void copy_to_device(void* to, const void* from, std::size_t bytes) {
        submit([=] { std::memcpy(to, from, bytes); });
    }
    void copy_to_host(void* to, const void* from, std::size_t bytes) {
        submit([=] { std::memcpy(to, from, bytes); });
    }
    void submit(std::function<void()> work) {
        waiting_.push_back(std::move(work));
        ++submitted_;
    }
    void finish() {
        ++finishes();
        run(submitted_);
    }

private:
    void run(long end) {
        guarded_memory::open();
        for (; done_ < end; ++done_) {
            waiting_.front()();
            waiting_.pop_front();
        }
        guarded_memory::close();
    }

    std::deque<std::function<void()>> waiting_;
    long submitted_ = 0, done_ = 0;
};

struct deferred {
    using memory = guarded_memory;
    using staging = counted_memory;
    using queue = deferred_queue;
    using kernels = mpar::backend::reference;

    static constexpr std::string_view name = "deferred";
    static std::string isa() { return "plain loops, later"; }
    template <class T>
    static constexpr int block = 4;

    template <class T>
    static int winograd_tile(const mpar::convolution&, const mpar::shape&) {
        return 0;
    }
    template <class T>
    static long workspace(const mpar::convolution&, const mpar::shape&, int) {
        return 0;
    }
    template <class T>
    static long packed_filters(const mpar::convolution& c) {
        return kernels::packed_filters<T>(c);
    }
    template <class T>
    static void pack_filters(const T* filters, const mpar::convolution& c, T* packed) {
        kernels::pack_filters(filters, c, packed);
    }
    template <class... A>
    static void conv2d(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::conv2d(h, a...); }); });
    }
    template <class... A>
    static void dense(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::dense(h, a...); }); });
    }
    template <class... A>
    static void max_pool(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::max_pool(h, a...); }); });
    }
    template <class... A>
    static void avg_pool(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::avg_pool(h, a...); }); });
    }
    template <class... A>
    static void row_sums(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::row_sums(h, a...); }); });
    }
    template <class... A>
    static void mean_rows(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::mean_rows(h, a...); }); });
    }
    template <class... A>
    static void affine(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::affine(h, a...); }); });
    }
    template <class... A>
    static void activate(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::activate(h, a...); }); });
    }
    template <class... A>
    static void add(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::add(h, a...); }); });
    }
    template <class... A>
    static void multiply(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::multiply(h, a...); }); });
    }
    template <class... A>
    static void pad(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::pad(h, a...); }); });
    }
    template <class... A>
    static void softmax(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::softmax(h, a...); }); });
    }
    template <class... A>
    static void copy(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::copy(h, a...); }); });
    }
    template <class... A>
    static void copy_channels(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::copy_channels(h, a...); }); });
    }
    template <class... A>
    static void flatten(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::flatten(h, a...); }); });
    }
    template <class... A>
    static void clear_margin(queue& q, A... a) {
        q.submit([=] { host_queue_of([&](auto& h) { kernels::clear_margin(h, a...); }); });
    }
    template <class V>
    static bool finite(queue& q, const V& v) {
        bool yes = false;
        q.submit([&] { host_queue_of([&](auto& h) { yes = kernels::finite(h, v); }); });
        q.finish();
        return yes;
    }

private:
    template <class Work>
    static void host_queue_of(Work work) {
        mpar::host_queue immediate;
        work(immediate);
    }
};

/// The same, between whose devices messages are slow.
struct deferred_far : deferred {
    using staging = delayed_memory;
};

static_assert(mpar::backend_type<deferred> && mpar::backend_for<deferred, double>);
static_assert(mpar::backend_type<deferred_far>);

}  // namespace mpar_test
