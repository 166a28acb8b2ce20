// SPDX-License-Identifier: MIT
// A backend as a device would be one: its memory cannot be touched by the host, its kernels have not
// run when they return. The arithmetic is the reference's.
#pragma once

#include <mpar/kernels/reference/backend.hpp>

#include <functional>
#include <map>
#include <new>
#include <vector>

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
    static void open() { protect(PROT_READ | PROT_WRITE); }
    static void close() { protect(PROT_NONE); }

private:
    static std::map<void*, std::size_t>& blocks() {
        static std::map<void*, std::size_t> all;
        return all;
    }
    static void protect(int how) {
        for (const auto& [p, length] : blocks()) mprotect(p, length, how);
    }
};

/// Runs nothing before finish().
class deferred_queue {
public:
    void copy_to_device(void* to, const void* from, std::size_t bytes) {
        submit([=] { std::memcpy(to, from, bytes); });
    }
    void copy_to_host(void* to, const void* from, std::size_t bytes) {
        submit([=] { std::memcpy(to, from, bytes); });
    }
    void submit(std::function<void()> work) { waiting_.push_back(std::move(work)); }
    void finish() {
        guarded_memory::open();
        for (const auto& work : waiting_) work();
        waiting_.clear();
        guarded_memory::close();
    }

private:
    std::vector<std::function<void()>> waiting_;
};

struct deferred {
    using memory = guarded_memory;
    using staging = mpar::host_memory;
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

static_assert(mpar::backend_type<deferred>);

}  // namespace mpar_test
