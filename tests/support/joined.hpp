// SPDX-License-Identifier: MIT
// Forwards of small static nets on all ranks, every way of teaming. Knows no expected value.
#pragma once

#include "support/catch.hpp"
#include "support/oracle.hpp"

#include <mpar/kernels/reference/backend.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <vector>

namespace mpar_test {

/// The seeded tensor "input".
inline std::vector<float> images_of(const mpar::shape& s) {
    const std::int64_t extents[] = {s.n, s.c, s.h, s.w};
    return mpar::io::seeded_values<float>("input", extents);
}

/// f(backend{}) for each.
template <class F>
void each_backend(F f) {
    f(mpar::backend::cpu{});
    f(mpar::backend::reference{});
}

/// One forward of seeded images with seeded weights by the ranks of `comm`; checks its bytes.
template <class Net, class Backend>
std::vector<float> forward_on(MPI_Comm comm, const mpar::options& how) {
    mpar::network<Net, mpar::mesh<>, Backend> net(comm, how);
    load_seeded(net);
    mpar::shape s = Net::input::extents;
    s.n = how.batch;
    const auto x = images_of(s);
    std::vector<float> y(std::size_t(net.output_shape().count()));
    net.forward(mpar::dense_view(x.data(), s).part(net.input_box()),
                mpar::dense_view(y.data(), net.output_shape()));
    CHECK(net.measured() == net.predicted());
    return y;
}

/// All ranks' output with their layers' own policies; every way of teaming and every policy give it.
template <class Net, class Backend>
std::vector<float> forward(int batch) {
    using mpar::policy;
    const auto alone = forward_on<Net, Backend>(MPI_COMM_SELF, {.batch = batch});
    for (const auto team : {mpar::teaming::off, mpar::teaming::claim, mpar::teaming::fixed}) {
        for (const auto asked :
             {std::optional<policy>{}, std::optional(policy::none), std::optional(policy::batch),
              std::optional(policy::rows), std::optional(policy::output)}) {
            INFO("team " << name_of(team) << ", policy " << (asked ? name_of(*asked) : "own"));
            CHECK(same_bits(forward_on<Net, Backend>(
                                MPI_COMM_WORLD, {.batch = batch, .asked = asked, .team = team}),
                            alone));
        }
    }
    return alone;
}

}  // namespace mpar_test
