// SPDX-License-Identifier: MIT
// Carries out exchanges, which bring readers what they need of a tensor: packs boxes, sends, waits,
// unpacks. Knows no step and no layer.
#pragma once

#include <mpar/comm/transport.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/plan/plan.hpp>
#include <mpar/tensor/memory.hpp>
#include <mpar/tensor/view.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace mpar {

/// The messages of all exchanges, packed one after the other in memory that both the backend's
/// kernels and its transport reach. Overlapped exchanges and summands have room of their own; the
/// others share that of the largest, as each is over before the next begins.
///
/// The host does not wait for kernels: an exchange that is started leaves as soon as its packing is
/// seen to be done, by start() or by what is called later. A queue does its work in order, so that
/// all who have read or written the messages' memory before have done so by then.
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
        memory_ = buffer<std::byte, typename Backend::staging>(static_cast<std::size_t>(end));
        for (std::size_t i = 0; i < exchanges_.size(); ++i) declare(comm, i);
        std::size_t summands = 0;
        for (const auto& e : exchanges_) {
            for (const auto& sum : e.sums) summands = std::max(summands, sum.summands.size());
        }
        room_.resize(summands);
        for (std::size_t i = 0; i < exchanges_.size(); ++i) packed_.emplace_back();
        unsent_.reserve(exchanges_.size());
    }

    std::size_t bytes() const { return memory_.bytes(); }

    /// Packs exchange i, and sends it once that is done. before: rank 0 [a a .], rank 1 [. b b]
    /// `whole`: this rank's memory of the tensor, which begins at `held`. throws: error(mpi).
    void start(typename Backend::queue& queue, std::size_t i, const view<T>& whole,
               const box& held) {
        std::byte* next = memory_.data() + offsets_[i] + packed(exchanges_[i].receives);
        for (const auto& m : exchanges_[i].sends) {
            Backend::copy(queue, view<const T>(whole.part(relative(m.what, held))),
                          as_view(next, m.what));
            next += packed(m.what);
        }
        queue.record(packed_[i]);
        unsent_.push_back(i);
        send_packed();
    }

    /// Moves exchange i on. returns: whether finish() would not wait. throws: error(mpi).
    bool is_done(std::size_t i) {
        send_packed();
        return !is_unsent(i) && messages_[i].progress();
    }

    /// Waits and unpacks. after (a halo): rank 0 [a a b], rank 1 [a b b]
    /// throws: error(no_progress) naming `doing()` and the silent ranks; error(mpi).
    void finish(typename Backend::queue& queue, std::size_t i, const view<T>& whole,
                const box& held, function_ref<std::string()> doing) {
        wait(i, doing);
        std::byte* next = memory_.data() + offsets_[i];
        for (const auto& m : exchanges_[i].receives) {
            Backend::copy(queue, view<const T>(as_view(next, m.what)),
                          whole.part(relative(m.what, held)));
            next += packed(m.what);
        }
    }

    /// Waits only: what has arrived stays where it is. throws: as finish().
    void wait(std::size_t i, function_ref<std::string()> doing) {
        if (is_unsent(i)) {
            packed_[i].finish();
            send_packed();
        }
        messages_[i].wait(doing);
    }
    /// Where receive k of exchange i has arrived.
    view<T> received(std::size_t i, std::size_t k) {
        std::byte* at = memory_.data() + offsets_[i];
        for (std::size_t j = 0; j < k; ++j) at += packed(exchanges_[i].receives[j].what);
        return as_view(at, exchanges_[i].receives[k].what);
    }

    /// Room for the summands of one sum.
    std::span<view<T>> room(std::size_t summands) { return std::span(room_).first(summands); }

    /// Never frees the memory: a request that failed may still write to it.
    void abandon() { memory_.forget(); }

private:
    using transport = typename transport_for<typename Backend::staging>::type;
    static_assert(transport_type<transport>);
    static constexpr int block = Backend::template block<T>;

    [[gnu::cold]] void declare(communicator& comm, std::size_t i) {
        auto& declared = messages_.emplace_back(comm, int(i));
        std::byte* next = memory_.data() + offsets_[i];
        for (const auto& m : exchanges_[i].receives) {
            declared.receive(next, packed(m.what), m.peer);
            next += packed(m.what);
        }
        for (const auto& m : exchanges_[i].sends) {
            declared.send(next, packed(m.what), m.peer);
            next += packed(m.what);
        }
    }

    bool is_unsent(std::size_t i) const {
        return std::find(unsent_.begin(), unsent_.end(), i) != unsent_.end();
    }
    /// What others wait for leaves, whichever exchange this rank is at.
    void send_packed() {
        std::size_t sent = 0;
        for (; sent < unsent_.size() && packed_[unsent_[sent]].is_done(); ++sent) {
            messages_[unsent_[sent]].start();
        }
        unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
    }

    static bool stays(const exchange& e) { return e.overlapped || e.keeps; }
    /// Bytes of a message, and of several.
    static long packed(const box& b) { return storage(b.extents(), block) * long(sizeof(T)); }
    static long packed(const growing<message>& all) {
        long bytes = 0;
        for (const auto& m : all) bytes += packed(m.what);
        return bytes;
    }
    static view<T> as_view(std::byte* data, const box& b) {
        return dense_view(reinterpret_cast<T*>(data), b.extents(), block);
    }

    std::span<const exchange> exchanges_;
    growing<long> offsets_;  ///< of each exchange, in bytes
    buffer<std::byte, typename Backend::staging> memory_;
    growing<transport> messages_;
    growing<typename Backend::queue::event> packed_;  ///< of each exchange
    growing<std::size_t> unsent_;                     ///< started, in the order of their packing
    growing<view<T>> room_;
};

}  // namespace mpar
