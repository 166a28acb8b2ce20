// SPDX-License-Identifier: MIT
// Forwards of small static nets on all ranks, every way of teaming. Knows no expected value.
#pragma once

#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "support/run_graph.hpp"

#include <mpar/kernels/reference/backend.hpp>
#include <mpar/mpar.hpp>

#include <optional>
#include <span>
#include <utility>
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

/// A net's type as the engine has it: of one type for all nets, so that what runs them is compiled once.
struct written_net {
    mpar::graph net;
    mpar::shape input;
    mpar::placing given;
};
template <class Net>
written_net written() {
    return {mpar::graph_of<Net>, Net::input::extents, Net::input::given};
}

/// One forward of seeded images with seeded weights by the ranks of `comm`; checks its bytes.
template <class Backend>
std::vector<float> forward_on(const written_net& net, MPI_Comm comm, mpar::options how) {
    const auto asked = std::exchange(how.asked, std::nullopt);
    const auto plan = mpar::lower(net.net, net.input, net.given, asked);
    REQUIRE(!plan.wrong);
    const auto result = run_graph<Backend, float>(comm, plan, how);
    CHECK(result.measured == result.predicted);
    return result.values;
}

/// All ranks' output with their layers' own policies; every way of teaming and every policy give it.
template <class Backend>
std::vector<float> forward(const written_net& net, int batch) {
    using mpar::policy;
    const auto alone = forward_on<Backend>(net, MPI_COMM_SELF, {.batch = batch});
    for (const auto team : {mpar::teaming::off, mpar::teaming::claim, mpar::teaming::static_}) {
        for (const auto asked :
             {std::optional<policy>{}, std::optional(policy::none), std::optional(policy::batch),
              std::optional(policy::rows), std::optional(policy::output)}) {
            INFO("team " << name_of(team) << ", policy " << (asked ? name_of(*asked) : "own"));
            CHECK(same_bits(forward_on<Backend>(net, MPI_COMM_WORLD,
                                                {.batch = batch, .asked = asked, .team = team}),
                            alone));
        }
    }
    return alone;
}

template <class Net, class Backend>
std::vector<float> forward_on(MPI_Comm comm, const mpar::options& how) {
    return forward_on<Backend>(written<Net>(), comm, how);
}
template <class Net, class Backend>
std::vector<float> forward(int batch) {
    return forward<Backend>(written<Net>(), batch);
}

}  // namespace mpar_test
