// SPDX-License-Identifier: MIT
// Buffers own their memory once, aligned; what cannot be had is an error of kind device.
#include "support/catch.hpp"

#include <mpar/tensor/memory.hpp>

#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

using namespace mpar;

namespace {

/// Host memory that counts what it has given and taken back.
struct counting_memory {
    static inline int given = 0, taken = 0;
    static inline std::size_t bytes = 0;

    static void* allocate(std::size_t count) {
        ++given;
        bytes = count;
        return host_memory::allocate(count);
    }
    static void release(void* p) noexcept {
        ++taken;
        host_memory::release(p);
    }
};
template <class T>
using counted = buffer<T, counting_memory>;

}  // namespace

TEST_CASE("memory is aligned to 64 bytes and writable to its last byte") {
    for (const std::size_t count : {1, 3, 15, 16, 17, 1000, 100'003}) {
        buffer<float> b(count);
        CHECK(reinterpret_cast<std::uintptr_t>(b.data()) % 64 == 0);
        CHECK(b.size() == count);
        CHECK(b.bytes() == 4 * count);
        for (std::size_t i = 0; i < count; ++i) b.data()[i] = float(i);
        CHECK(b.data()[count - 1] == float(count - 1));
    }
}

TEST_CASE("large blocks may lie in huge pages") {
    for (const std::size_t bytes : {host_memory::huge, 2 * host_memory::huge, 9'000'001ul}) {
        buffer<char> b(bytes);
        const auto step = bytes < 2 * host_memory::huge ? host_memory::alignment : host_memory::huge;
        CHECK(reinterpret_cast<std::uintptr_t>(b.data()) % step == 0);
        b.data()[0] = b.data()[bytes - 1] = 1;
    }
}

TEST_CASE("each allocation is released once, however it is moved") {
    counting_memory::given = counting_memory::taken = 0;
    {
        counted<int> a(7), b(9), none;
        CHECK(counting_memory::bytes == 36);
        int* const first = a.data();
        int* const second = b.data();
        counted<int> moved(std::move(a));
        CHECK(moved.data() == first);
        CHECK(moved.size() == 7);
        CHECK(a.data() == nullptr);
        CHECK(a.size() == 0);
        moved = std::move(b);
        CHECK(moved.data() == second);
        CHECK(moved.size() == 9);
        none = std::move(moved);
        CHECK(none.data() == second);
        auto& itself = none;
        none = std::move(itself);
        CHECK(none.data() == second);
        CHECK(none.bytes() == 36);
        std::vector<counted<int>> many;
        for (int i = 1; i <= 20; ++i) many.emplace_back(std::size_t(i));
    }
    CHECK(counting_memory::given == 22);
    CHECK(counting_memory::taken == 22);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<buffer<float>>);
    STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<buffer<float>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<buffer<float>>);
}

TEST_CASE("a buffer of nothing asks for nothing") {
    counting_memory::given = counting_memory::taken = 0;
    {
        counted<float> a(0), b;
        CHECK((a.data() == nullptr && a.size() == 0 && a.bytes() == 0));
        CHECK((b.data() == nullptr && b.size() == 0));
    }
    CHECK(counting_memory::given == 0);
    CHECK(counting_memory::taken == 0);
}

TEST_CASE("what is forgotten is not released") {
    counting_memory::given = counting_memory::taken = 0;
    void* left = nullptr;
    {
        counted<float> b(5);
        left = b.data();
        b.forget();
    }
    CHECK(counting_memory::given == 1);
    CHECK(counting_memory::taken == 0);
    host_memory::release(left);
}

#if !defined(__SANITIZE_ADDRESS__)  // which ends a process that asks for so much

namespace {

std::string refusal(std::size_t count) {
    try {
        buffer<double> huge(count);
    } catch (const error& e) {
        CHECK(e.kind() == fault::device);
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("memory that is unavailable is an error of kind device, with its size") {
    CHECK(refusal(std::size_t(1) << 55) ==
          "mpar: " + std::to_string(std::size_t(1) << 38) + " MiB of memory are unavailable");
}

TEST_CASE("a number of elements whose bytes do not fit is refused, not cut off") {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    for (const std::size_t count : {most / 8 + 2, most / 4, most / 2 + 3, most})
        CHECK(refusal(count).ends_with("unavailable"));
}

#endif

TEST_CASE("the host's queue has done what it was given") {
    host_queue queue;
    const int from[3] = {1, 2, 3};
    int there[3] = {}, back[3] = {};
    queue.copy_to_device(there, from, sizeof from);
    host_queue::event copied;
    queue.record(copied);
    queue.wait(copied);
    CHECK(copied.is_done());
    queue.copy_to_host(back, there, sizeof there);
    copied.finish();
    queue.finish();
    CHECK((back[0] == 1 && back[1] == 2 && back[2] == 3));
}
