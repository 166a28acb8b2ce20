// SPDX-License-Identifier: MIT
// Carries out one exchange: packs boxes, sends, waits, unpacks. Knows no step and no layer.
#pragma once

#include <mpar/comm/messages.hpp>
#include <mpar/net/part.hpp>
#include <mpar/tensor/memory.hpp>
#include <mpar/tensor/view.hpp>

namespace mpar {

/// Room for the messages of the largest exchange, packed one after the other. The memory is one
/// that both the backend's kernels and MPI reach.
template <class Backend, class T>
class transfer {
public:
    explicit transfer(const part& mine) {
        long most = 0;
        for (const auto& e : mine.exchanges) {
            most = std::max(most, packed(e.sends) + packed(e.receives));
        }
        memory_ = buffer<T, typename Backend::staging>(static_cast<std::size_t>(most));
    }

    std::size_t bytes() const { return memory_.bytes(); }

    /// For each message: the box of `whole` that sender owns and receiver reads.
    /// before: rank 0 [a a .], rank 1 [. b b]   after (a halo): rank 0 [a a b], rank 1 [a b b]
    /// `whole`: this rank's memory of the tensor, which begins at `held`.
    /// throws: error(no_progress) naming `doing()` and the silent ranks; error(mpi). Cost: e's
    /// bytes.
    void run(typename Backend::queue& queue, communicator& comm, const exchange& e,
             const view<T>& whole, const box& held, function_ref<std::string()> doing) {
        T* next = memory_.data() + packed(e.receives);
        for (const auto& m : e.sends) {
            Backend::copy(queue, view<const T>(whole.part(relative(m.what, held))),
                          as_view(next, m.what));
            next += packed(m.what);
        }
        queue.finish();  // packed now; and what came before has been unpacked

        messages posted(comm);
        next = memory_.data();
        for (const auto& m : e.receives) {
            posted.receive(reinterpret_cast<std::byte*>(next), bytes_of(m.what), m.peer);
            next += packed(m.what);
        }
        for (const auto& m : e.sends) {
            posted.send(reinterpret_cast<const std::byte*>(next), bytes_of(m.what), m.peer);
            next += packed(m.what);
        }
        posted.wait(doing);
        next = memory_.data();
        for (const auto& m : e.receives) {
            Backend::copy(queue, view<const T>(as_view(next, m.what)),
                          whole.part(relative(m.what, held)));
            next += packed(m.what);
        }
    }

    /// Never frees the memory: a request that failed may still write to it.
    void abandon() { memory_.forget(); }

private:
    static constexpr int block = Backend::template block<T>;

    static long packed(const box& b) { return storage(b.extents(), block); }
    static long packed(const std::vector<message>& all) {
        long elements = 0;
        for (const auto& m : all) elements += packed(m.what);
        return elements;
    }
    static long bytes_of(const box& b) { return packed(b) * long(sizeof(T)); }
    static view<T> as_view(T* data, const box& b) { return dense_view(data, b.extents(), block); }

    buffer<T, typename Backend::staging> memory_;
};

}  // namespace mpar
