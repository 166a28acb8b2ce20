// SPDX-License-Identifier: MIT
// Where elements live and in what order work on them is done. Knows no kernel.
#pragma once

#include <mpar/core/error.hpp>

#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <utility>

namespace mpar {

/// Memory of the calling process. A device's memory is another struct with the same four functions.
struct host_memory {
    static constexpr std::size_t alignment = 64;

    static void* allocate(std::size_t bytes) {
        void* p = ::operator new(bytes, std::align_val_t(alignment), std::nothrow);
        if (!p) {
            throw error(fault::device, "mpar: " + std::to_string(bytes >> 20) +
                                           " MiB of memory are not to be had");
        }
        return p;
    }
    static void release(void* p) noexcept { ::operator delete(p, std::align_val_t(alignment)); }
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
