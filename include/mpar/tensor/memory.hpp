// SPDX-License-Identifier: MIT
// Where elements live and in what order work on them is done. Knows no kernel.
#pragma once

#include <mpar/core/error.hpp>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include <sys/mman.h>

namespace mpar {

/// Memory of the calling process; large blocks in huge pages, where the system has them: fewer
/// faults when they are first touched, and fewer misses of the address cache ever after. A device's
/// memory is another struct with the same two functions.
struct host_memory {
    static constexpr std::size_t alignment = 64, huge = std::size_t(2) << 20;

    /// Half a huge page or more is worth whole ones.
    static constexpr bool is_large(std::size_t bytes) { return bytes >= huge / 2; }
    static constexpr std::size_t rounded(std::size_t bytes) {
        return is_large(bytes) ? (bytes + huge - 1) / huge * huge : bytes;
    }

    static void* allocate(std::size_t bytes) {
        void* p = nullptr;
        const std::size_t step = is_large(bytes) ? huge : alignment;
        if (::posix_memalign(&p, step, rounded(bytes)) != 0) p = nullptr;
        if (!p) {
            throw error(fault::device, "mpar: " + std::to_string(bytes >> 20) +
                                           " MiB of memory are not to be had");
        }
#ifdef MADV_HUGEPAGE
        if (is_large(bytes)) ::madvise(p, rounded(bytes), MADV_HUGEPAGE);  // a hint
#endif
        return p;
    }
    static void release(void* p) noexcept { std::free(p); }
};

/// The host's order of execution: what is submitted has been done. A stream's finish() waits.
struct host_queue {
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
    /// What no memory has comes out as a size that none gives.
    static std::size_t bytes_of(std::size_t count) {
        constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 4;
        return count > most / sizeof(T) ? most : count * sizeof(T);
    }

    T* data_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace mpar
