// SPDX-License-Identifier: MIT
// Where elements live and in what order work on them is done. Knows no kernel.
#pragma once

#include <mpar/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include <sys/mman.h>

namespace mpar {

/// Memory of the calling process. It has large blocks in huge pages, where the system has them:
/// fewer faults when they are first touched, and fewer misses of the address cache ever after. A
/// device's memory is another struct with the same two functions.
struct host_memory {
    static constexpr std::size_t alignment = 64, huge = std::size_t(2) << 20;

    /// Whether a block is worth whole huge pages: it fills half of one or more.
    static constexpr bool is_large(std::size_t bytes) { return bytes >= huge / 2; }
    static constexpr std::size_t rounded(std::size_t bytes) {
        return is_large(bytes) ? (bytes + huge - 1) / huge * huge : bytes;
    }

    static void* allocate(std::size_t bytes) {
        void* p = nullptr;
        const std::size_t step = is_large(bytes) ? huge : alignment;
        if (::posix_memalign(&p, step, rounded(bytes)) != 0) p = nullptr;
        if (!p) {
            throw error(fault::device,
                        "mpar: " + std::to_string(bytes >> 20) + " MiB of memory are unavailable");
        }
#ifdef MADV_HUGEPAGE
        if (is_large(bytes)) ::madvise(p, rounded(bytes), MADV_HUGEPAGE);  // a hint
#endif
        return p;
    }
    static void release(void* p) noexcept { std::free(p); }

    /// Bytes of new memory that the system has and this process's group may take. Where the system
    /// does not say, the greatest number.
    [[gnu::cold]] static std::size_t available() {
        constexpr std::size_t any = std::numeric_limits<std::size_t>::max();
        const auto number_in = [](const char* path, const char* format) {
            unsigned long long n = 0;
            std::FILE* file = std::fopen(path, "r");
            if (!file) return any;
            bool found = false;
            for (char line[128]; !found && std::fgets(line, sizeof line, file);) {
                found = std::sscanf(line, format, &n) == 1;
            }
            std::fclose(file);
            return found ? std::size_t(n) : any;
        };
        const std::size_t kilobytes = number_in("/proc/meminfo", "MemAvailable: %llu");
        const std::size_t most = number_in("/sys/fs/cgroup/memory.max", "%llu");
        const std::size_t taken = number_in("/sys/fs/cgroup/memory.current", "%llu");
        std::size_t free = kilobytes == any ? any : kilobytes * 1024;
        if (most != any && taken != any) free = std::min(free, most > taken ? most - taken : 0);
        return free;
    }
};

/// A point in the host's order of execution: it has passed.
struct host_event {
    static constexpr bool is_done() { return true; }
    static constexpr void finish() {}
};

/// The host's order of execution: what has been submitted is done already, so finish() does not
/// wait.
struct host_queue {
    using event = host_event;

    static constexpr void record(event&) {}
    static constexpr void wait(event&) {}
    void copy_to_device(void* to, const void* from, std::size_t bytes) {
        if (bytes) std::memcpy(to, from, bytes);
    }
    void copy_to_host(void* to, const void* from, std::size_t bytes) {
        if (bytes) std::memcpy(to, from, bytes);
    }
    void finish() {}
};

/// Owns `count` elements of one memory space, not initialised.
template <class T, class Memory = host_memory>
class buffer {
public:
    buffer() = default;
    explicit buffer(std::size_t count)
        : data_(count ? static_cast<T*>(Memory::allocate(bytes_of(count))) : nullptr),
          count_(count) {}
    buffer(buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    buffer& operator=(buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }
    ~buffer() {
        if (data_) Memory::release(data_);
    }

    /// Gives the memory up without releasing it: somebody may still write to it.
    void forget() { data_ = nullptr; }

    T* data() const { return data_; }
    std::size_t size() const { return count_; }
    std::size_t bytes() const { return count_ * sizeof(T); }

private:
    /// Bytes of so many elements. Where that overflows, a size that no memory has.
    static std::size_t bytes_of(std::size_t count) {
        constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 4;
        return count > most / sizeof(T) ? most : count * sizeof(T);
    }

    T* data_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace mpar
