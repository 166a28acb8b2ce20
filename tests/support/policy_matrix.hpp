// SPDX-License-Identifier: MIT
// A seeded network split in every way over the ranks of the job, against one rank.
#pragma once

#include "support/catch.hpp"
#include "support/oracle.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <string>
#include <vector>

namespace mpar_test {

/// Of sums that are cut, outside the reproducible mode.
inline constexpr double cut_sum_tolerance = 1e-5;

/// Every policy, alone and beside a data axis: one rank's bits, or close to them where sums are cut and
/// added up in another order; bytes and messages as predicted.
template <class Net>
void check_every_policy(const std::string& name) {
    using namespace mpar;
    constexpr int batch = 2;
    const auto images = seeded_images(batch);
    int ranks = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    const auto run = [&](MPI_Comm comm, options o) {
        o.batch = batch;
        o.deadline = 300;
        network<Net> net(comm, o);
        load_seeded(net);
        auto y = net.forward(images);
        CHECK(net.measured() == net.predicted());
        return y;
    };
    const auto alone = run(MPI_COMM_SELF, {});
    for (const auto asked :
         {policy::none, policy::batch, policy::rows, policy::cols, policy::tiles, policy::output,
          policy::input, policy::grid, policy::stage, policy::automatic}) {
        const bool cuts_sums =
            asked == policy::input || asked == policy::grid || asked == policy::automatic;
        for (const int data : {1, 2}) {
            if (ranks % data) continue;
            INFO(name << ", policy " << name_of(asked) << ", data axis " << data);
            options o{.asked = asked, .team = teaming::off, .data = data};
            const auto together = run(MPI_COMM_WORLD, o);
            if (cuts_sums) {
                CHECK(relative_difference(together, alone) <= cut_sum_tolerance);
            } else {
                CHECK(same_bits(together, alone));
            }
            if ((asked != policy::input && asked != policy::grid) || (ranks & (ranks - 1))) continue;
            o.reproducible = true;
            INFO("reproducible");
            const options one{.asked = asked, .reproducible = true};
            CHECK(same_bits(run(MPI_COMM_WORLD, o), run(MPI_COMM_SELF, one)));
        }
    }
}

}  // namespace mpar_test
