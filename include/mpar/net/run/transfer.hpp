// SPDX-License-Identifier: MIT
// Carries out exchanges, which bring readers what they need of a tensor: packs boxes, sends, waits,
// unpacks. Knows no step and no layer.
#pragma once

#include <mpar/comm/messages.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/plan/plan.hpp>
#include <mpar/tensor/memory.hpp>
#include <mpar/tensor/view.hpp>

#include <algorithm>
#include <span>

namespace mpar {

/// The messages of all exchanges, packed one after the other in memory that both the backend's
/// kernels and MPI reach. Overlapped exchanges and summands have room of their own; the others share
/// that of the largest, as each is over before the next begins.
template <class Backend, class T>
class transfer {
public:
    /// requires: `comm` and the elements of mine.exchanges live as long.
    /// throws: error(device), error(mpi).
    [[gnu::cold]] transfer(communicator& comm, const part& mine) : exchanges_(mine.exchanges) {
        long most = 0, end = 0;
        for (const auto& e : exchanges_) {
            if (!stays(e)) most = std::max(most, packed(e.sends) + packed(e.receives));
        }
        end = most;
        for (const auto& e : exchanges_) {
            offsets_.push_back(stays(e) ? end : 0);
            if (stays(e)) end += packed(e.sends) + packed(e.receives);
        }
        memory_ = buffer<T, typename Backend::staging>(static_cast<std::size_t>(end));
        for (std::size_t i = 0; i < exchanges_.size(); ++i) declare(comm, i);
        std::size_t summands = 0;
        for (const auto& e : exchanges_) {
            for (const auto& sum : e.sums) summands = std::max(summands, sum.summands.size());
        }
        room_.resize(summands);
    }

    std::size_t bytes() const { return memory_.bytes(); }

    /// Packs and sends exchange i. before: rank 0 [a a .], rank 1 [. b b]
    /// `whole`: this rank's memory of the tensor, which begins at `held`. throws: error(mpi).
    void start(typename Backend::queue& queue, std::size_t i, const view<T>& whole,
               const box& held) {
        T* next = memory_.data() + offsets_[i] + packed(exchanges_[i].receives);
        for (const auto& m : exchanges_[i].sends) {
            Backend::copy(queue, view<const T>(whole.part(relative(m.what, held))),
                          as_view(next, m.what));
            next += packed(m.what);
        }
        queue.finish();  // packed now; and what came before has been unpacked
        messages_[i].start();
    }

    /// Lets MPI move exchange i on. returns: whether finish() would not wait. throws: error(mpi).
    bool is_done(std::size_t i) { return messages_[i].progress(); }

    /// Waits and unpacks. after (a halo): rank 0 [a a b], rank 1 [a b b]
    /// throws: error(no_progress) naming `doing()` and the silent ranks; error(mpi).
    void finish(typename Backend::queue& queue, std::size_t i, const view<T>& whole,
                const box& held, function_ref<std::string()> doing) {
        messages_[i].wait(doing);
        T* next = memory_.data() + offsets_[i];
        for (const auto& m : exchanges_[i].receives) {
            Backend::copy(queue, view<const T>(as_view(next, m.what)),
                          whole.part(relative(m.what, held)));
            next += packed(m.what);
        }
    }

    /// Waits only: what has arrived stays where it is. throws: as finish().
    void wait(std::size_t i, function_ref<std::string()> doing) { messages_[i].wait(doing); }
    /// Where receive k of exchange i has arrived.
    view<T> received(std::size_t i, std::size_t k) {
        T* at = memory_.data() + offsets_[i];
        for (std::size_t j = 0; j < k; ++j) at += packed(exchanges_[i].receives[j].what);
        return as_view(at, exchanges_[i].receives[k].what);
    }

    /// Room for the summands of one sum.
    std::span<view<T>> room(std::size_t summands) { return std::span(room_).first(summands); }

    /// Never frees the memory: a request that failed may still write to it.
    void abandon() { memory_.forget(); }

private:
    static constexpr int block = Backend::template block<T>;

    [[gnu::cold]] void declare(communicator& comm, std::size_t i) {
        auto& declared = messages_.emplace_back(comm, int(i));
        T* next = memory_.data() + offsets_[i];
        for (const auto& m : exchanges_[i].receives) {
            declared.receive(reinterpret_cast<std::byte*>(next), bytes_of(m.what), m.peer);
            next += packed(m.what);
        }
        for (const auto& m : exchanges_[i].sends) {
            declared.send(reinterpret_cast<const std::byte*>(next), bytes_of(m.what), m.peer);
            next += packed(m.what);
        }
    }

    static bool stays(const exchange& e) { return e.overlapped || e.keeps; }
    static long packed(const box& b) { return storage(b.extents(), block); }
    static long packed(const growing<message>& all) {
        long elements = 0;
        for (const auto& m : all) elements += packed(m.what);
        return elements;
    }
    static long bytes_of(const box& b) { return packed(b) * long(sizeof(T)); }
    static view<T> as_view(T* data, const box& b) { return dense_view(data, b.extents(), block); }

    std::span<const exchange> exchanges_;
    growing<long> offsets_;
    buffer<T, typename Backend::staging> memory_;
    growing<messages> messages_;
    growing<view<T>> room_;
};

}  // namespace mpar
