// SPDX-License-Identifier: MIT
// A forward allocates nothing, however the ranks work together.
// program: own
// ranks: 1 2 3 4
// sanitize: no
// (AddressSanitizer has operator new to itself)
#include "support/catch.hpp"

#include <mpar/models/resnet.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
    ++allocations;
    bytes = (bytes + alignment - 1) / alignment * alignment;
    if (void* p = std::aligned_alloc(alignment, bytes ? bytes : alignment)) return p;
    throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes, 16); }
void* operator new(std::size_t bytes, std::align_val_t a) { return counted(bytes, std::size_t(a)); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

using namespace mpar;

namespace {

/// Nearly every kind of step, small.
struct arms {
    using layers = chain<conv2d<16, 16, window<3>>, batch_norm<16>, relu,
                         conv2d<16, 16, window<3>, groups<16>>, batch_norm<16>>;
};
struct small_net {
    using input = image<3, 40, 40>;
    using layers = chain<conv2d<3, 16, window<7, 2>>, relu, max_pool<window<3, 2>>,
                         residual<arms>, silu, avg_pool<window<2, 2>>, global_avg_pool,
                         dense<16, 10>, softmax>;
};

template <class Net>
void check_forward(const options& o) {
    network<Net> net(MPI_COMM_WORLD, o);
    load_seeded(net);
    const std::vector<float> x(std::size_t(net.input_box().count()), 0.5f);
    std::vector<float> y(std::size_t(net.output_shape().count()));
    for (int i = 0; i < 4; ++i) {
        const long before = allocations;
        net.forward(dense_view(x.data(), net.input_box().extents()),
                    dense_view(y.data(), net.output_shape()));
        CHECK(allocations - before == 0);
    }
}

}  // namespace

TEST_CASE("counting works") {
    const long before = allocations;
    delete new int(1);
    CHECK(allocations == before + 1);
}

TEST_CASE("a forward allocates nothing") {
    for (const auto how : {teaming::off, teaming::claim, teaming::static_}) {
        for (const auto asked : {policy::none, policy::rows, policy::output, policy::batch}) {
            CAPTURE(name_of(how), name_of(asked));
            check_forward<small_net>({.batch = 2, .asked = asked, .team = how});
        }
        check_forward<resnet18>({.team = how, .threads = 1});
    }
}
