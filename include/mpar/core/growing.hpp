// SPDX-License-Identifier: MIT
// An array that grows, for what the library itself keeps: a std::vector that costs the compiler half
// as much for each type of element, which a network has forty of. Knows no element.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace mpar {

namespace detail {

/// Memory for `room` elements of `size` bytes, the first `count` of them from `from`, which is given
/// back. throws: std::bad_alloc.
[[gnu::noinline]] inline void* moved_bytes(void* from, std::size_t count, std::size_t room,
                                           std::size_t size) {
    if (room > static_cast<std::size_t>(PTRDIFF_MAX) / size) throw std::bad_array_new_length();
    void* to = ::operator new(room* size);
    if (count > 0) std::memcpy(to, from, count * size);
    ::operator delete(from);
    return to;
}

}  // namespace detail

/// Owns its elements, which lie side by side; pointers to them hold until it grows. Elements that are
/// plain bytes move as such. Also at compile time. Turns into a std::vector and comes of one, for
/// whoever asks for that.
template <class T>
class growing {
    static constexpr bool is_plain = std::is_trivially_copyable_v<T>;
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

public:
    using value_type = T;

    constexpr growing() = default;
    constexpr explicit growing(std::size_t count, const T& value = T()) : growing() {
        resize(count, value);
    }
    constexpr growing(std::initializer_list<T> all) : growing() { append(all.begin(), all.size()); }
    template <class From>
    constexpr growing(const From* first, const From* last) : growing() {
        append(first, static_cast<std::size_t>(last - first));
    }
    constexpr growing(const std::vector<T>& all) : growing() {
        reserve(all.size());
        for (std::size_t i = 0; i < all.size(); ++i) push_back(all[i]);
    }
    constexpr growing(const growing& other) : growing() { append(other.first_, other.count_); }
    constexpr growing(growing&& other) noexcept { swap(other); }
    constexpr growing& operator=(growing other) noexcept {
        swap(other);
        return *this;
    }
    constexpr ~growing() {
        clear();
        give_back();
    }

    constexpr operator std::vector<T>() const { return std::vector<T>(begin(), end()); }

    constexpr T* begin() { return first_; }
    constexpr T* end() { return first_ + count_; }
    constexpr const T* begin() const { return first_; }
    constexpr const T* end() const { return first_ + count_; }
    constexpr T* data() { return first_; }
    constexpr const T* data() const { return first_; }
    constexpr std::size_t size() const { return count_; }
    constexpr bool empty() const { return count_ == 0; }
    constexpr T& operator[](std::size_t i) { return first_[i]; }
    constexpr const T& operator[](std::size_t i) const { return first_[i]; }
    constexpr T& front() { return first_[0]; }
    constexpr const T& front() const { return first_[0]; }
    constexpr T& back() { return first_[count_ - 1]; }
    constexpr const T& back() const { return first_[count_ - 1]; }

    constexpr void push_back(T value) {
        if (count_ == room_) grow(count_ + 1);
        make(first_ + count_, static_cast<T&&>(value));
        ++count_;
    }
    template <class... Arguments>
    constexpr T& emplace_back(Arguments&&... arguments) {
        push_back(T(std::forward<Arguments>(arguments)...));
        return back();
    }
    /// requires: none of its own.
    template <class From>
    constexpr void append(const From* from, std::size_t count) {
        reserve(count_ + count);
        for (std::size_t i = 0; i < count; ++i, ++count_) make(first_ + count_, T(from[i]));
    }
    constexpr void pop_back() { shrink(count_ - 1); }
    constexpr void clear() { shrink(0); }
    constexpr void resize(std::size_t count, const T& value = T()) {
        if (count < count_) return shrink(count);
        reserve(count);
        for (; count_ < count; ++count_) make(first_ + count_, value);
    }
    constexpr void assign(std::size_t count, const T& value) { *this = growing(count, value); }
    constexpr void reserve(std::size_t room) {
        if (room > room_) grow(room);
    }
    constexpr void erase(const T* first, const T* last) {
        T* to = first_ + (first - first_);
        for (T* from = first_ + (last - first_); from != end(); ++from, ++to) {
            *to = static_cast<T&&>(*from);
        }
        shrink(static_cast<std::size_t>(to - first_));
    }
    constexpr void swap(growing& other) noexcept {
        std::swap(first_, other.first_);
        std::swap(count_, other.count_);
        std::swap(room_, other.room_);
    }

    friend constexpr bool operator==(const growing& a, const growing& b) {
        if (a.count_ != b.count_) return false;
        for (std::size_t i = 0; i < a.count_; ++i) {
            if (!(a.first_[i] == b.first_[i])) return false;
        }
        return true;
    }

private:
    template <class Value>
    static constexpr void make(T* at, Value&& value) {
        if (std::is_constant_evaluated()) {
            std::construct_at(at, std::forward<Value>(value));
        } else {
            ::new (static_cast<void*>(at)) T(std::forward<Value>(value));
        }
    }

    constexpr void shrink(std::size_t count) {
        if (is_plain && !std::is_constant_evaluated()) {
            count_ = count;
        } else {
            for (; count_ > count; --count_) first_[count_ - 1].~T();
        }
    }

    /// ensures: at least twice the room there was.
    constexpr void grow(std::size_t room) {
        if (room < 2 * room_) room = 2 * room_;
        if (is_plain && !std::is_constant_evaluated()) {
            first_ = static_cast<T*>(detail::moved_bytes(first_, count_, room, sizeof(T)));
        } else {
            static_assert(std::is_nothrow_move_constructible_v<T>);
            T* to = std::allocator<T>().allocate(room);
            for (std::size_t i = 0; i < count_; ++i) {
                make(to + i, static_cast<T&&>(first_[i]));
                first_[i].~T();
            }
            give_back();
            first_ = to;
        }
        room_ = room;
    }

    constexpr void give_back() {
        if (!std::is_constant_evaluated()) {
            ::operator delete(first_);
        } else if (first_) {
            std::allocator<T>().deallocate(first_, room_);
        }
    }

    T* first_ = nullptr;
    std::size_t count_ = 0, room_ = 0;
};

}  // namespace mpar
