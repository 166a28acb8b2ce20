// SPDX-License-Identifier: MIT
// Who carries bytes between ranks: what it must offer, as a concept, and which memory it reaches. Knows
// no tensor and no backend.
#pragma once

#include <mpar/comm/communicator.hpp>
#include <mpar/comm/messages.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/tensor/memory.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>

namespace mpar {

/// The messages of one exchange: declared in the order in which they are to arrive, then started and
/// waited for, again and again. Contracts: `messages`, which stands for it here.
/// - All ranks make theirs with the same numbers `tag`; exchanges of different tags do not meet.
/// - start() counts what it moves in the communicator, so that it can be held against the plan, and
///   lets neither kernels nor other ranks be waited for.
/// - progress() does not wait. wait() has the communicator's deadline, and names those who are silent.
/// - Between start() and the end of wait() no byte of the declared memory is touched by others.
template <class M>
concept transport_type = std::is_nothrow_move_constructible_v<M> &&
    std::constructible_from<M, communicator&, int> &&
    requires(M& m, std::byte* to, const std::byte* from, long bytes, int peer,
             function_ref<std::string()> doing) {
    m.receive(to, bytes, peer);
    m.send(from, bytes, peer);
    m.start();
    { m.progress() } -> std::same_as<bool>;
    m.wait(doing);
};

/// The transport that carries messages which lie in `Memory`, a backend's staging. Kernels and messages do
/// not know each other, but both know the memory: whoever brings a memory that MPI does not reach
/// specialises this for it in the same header.
template <class Memory>
struct transport_for {
    static_assert(
        std::derived_from<Memory, host_memory>,
        "mpar: no transport reaches this staging memory: it is to derive from host_memory, or "
        "mpar::transport_for is to be specialised for it");
    using type = messages;
};

}  // namespace mpar
