// SPDX-License-Identifier: MIT
// A backend's messages lie in memory that no transport reaches.
#include <mpar/kernels/reference/backend.hpp>
#include <mpar/net/run/transfer.hpp>

struct far_memory {
    static void* allocate(std::size_t bytes) { return mpar::host_memory::allocate(bytes); }
    static void release(void* p) noexcept { mpar::host_memory::release(p); }
};
struct far : mpar::backend::reference {
    using staging = far_memory;
};

// build error: mpar: no transport reaches this staging memory
template class mpar::transfer<far, float>;
