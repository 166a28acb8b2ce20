// SPDX-License-Identifier: MIT
// A seeded network against torchvision's logits, under every policy, on the ranks of the job.
#pragma once

#include "support/catch.hpp"
#include "support/oracle.hpp"

#include <mpar/kernels/reference/backend.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

namespace mpar_test {

inline constexpr double tolerance = 1e-4;  ///< of the greatest logit

/// Every policy on all ranks: the oracle's logits, one rank's bits, the predicted bytes.
template <class Net, class Backend = mpar::backend::cpu>
void check_against_oracle(const std::string& name) {
    using mpar::policy;
    const auto images = seeded_images(2), logits = expected(name, "logits");
    const auto chelsea = photograph("chelsea.png", mpar::io::preprocessing::imagenet());
    const auto chelsea_logits = expected(name, "chelsea_logits");

    std::vector<float> alone;
    {
        mpar::network<Net, mpar::mesh<>, Backend> net(MPI_COMM_SELF, {.batch = 2});
        load_seeded(net);
        alone = net.forward(images);
        CHECK(relative_difference(alone, logits) <= tolerance);
        CHECK(net.measured() == mpar::traffic{});
    }
    for (const auto asked :
         {std::optional<policy>{}, std::optional(policy::none), std::optional(policy::batch),
          std::optional(policy::rows), std::optional(policy::output)}) {
        INFO(name << ", policy " << (asked ? name_of(*asked) : "own"));
        mpar::network<Net, mpar::mesh<>, Backend> net(
            MPI_COMM_WORLD, {.batch = 2, .asked = asked, .deadline = 100});
        load_seeded(net);
        const auto together = net.forward(images);
        CHECK(relative_difference(together, logits) <= tolerance);
        CHECK(same_bits(together, alone));
        CHECK(net.measured() == net.predicted());

        mpar::network<Net, mpar::mesh<>, Backend> one(
            MPI_COMM_WORLD, {.batch = 1, .asked = asked, .deadline = 100});
        load_seeded(one);
        CHECK(relative_difference(one.forward(chelsea), chelsea_logits) <= tolerance);
        CHECK(one.measured() == one.predicted());
    }
}

}  // namespace mpar_test
