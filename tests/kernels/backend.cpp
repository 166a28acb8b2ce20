// SPDX-License-Identifier: MIT
// The backends offer what the concept asks for. The kernels have their own tests.
#include "support/catch.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/kernels/reference/backend.hpp>

using namespace mpar;

namespace {

struct nothing {
    using memory = host_memory;
    using staging = host_memory;
    using queue = host_queue;
};

struct without_staging : backend::reference {
    using staging = void;
};

/// A queue that the host can only wait for as a whole.
struct one_wait : host_queue {
    static void record(event&) = delete;
};
struct without_events : backend::reference {
    using queue = one_wait;
};

struct without_softmax : backend::reference {
    static void softmax() = delete;
};

}  // namespace

static_assert(backend_type<backend::cpu>);
static_assert(backend_type<backend::reference>);
static_assert(backend_for<backend::cpu, double>);
static_assert(backend_for<backend::reference, double>);
static_assert(!backend_type<nothing>);
static_assert(!backend_type<without_staging>);
static_assert(!queue_type<one_wait>);
static_assert(!backend_type<without_events>);
static_assert(!backend_type<without_softmax>);

TEST_CASE("a backend's block fills a vector of the ISA", "[backend]") {
    CHECK(backend::cpu::block<float> * int(sizeof(float)) == MPAR_VECTOR_BYTES);
    CHECK(backend::cpu::block<double> * int(sizeof(double)) == MPAR_VECTOR_BYTES);
    CHECK(backend::reference::block<float> == 1);
    CHECK(backend::cpu::name == "cpu");
    CHECK(backend::cpu::isa() == MPAR_ISA);
    CHECK(backend::reference::name == "reference");
}
