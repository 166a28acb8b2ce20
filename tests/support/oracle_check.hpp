// SPDX-License-Identifier: MIT
// A seeded network against torchvision's logits, under every policy, on the ranks of the job.
#pragma once

#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/oracle.hpp"

#include <mpar/kernels/reference/backend.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <algorithm>
#include <span>
#include <vector>

namespace mpar_test {

/// Of the greatest logit, against logits that were computed in double precision.
inline constexpr double exact_tolerance = 2e-6, fast_tolerance = 2e-5;

inline std::vector<int> top1(const std::vector<float>& logits, std::size_t classes = 1000) {
    std::vector<int> best;
    for (auto at = logits.begin(); at != logits.end(); at += long(classes)) {
        best.push_back(int(std::max_element(at, at + long(classes)) - at));
    }
    return best;
}

/// Every policy and way of teaming on all ranks: the oracle's logits, one rank's bits, the predicted
/// bytes.
template <class Net, class Backend = mpar::backend::cpu>
void check_against_oracle(const std::string& name) {
    using mpar::policy;
    using mpar::teaming;
    const auto images = seeded_images(2), logits = expected(name, "logits");
    const auto chelsea = photograph("chelsea.png", mpar::io::preprocessing::imagenet());
    const auto chelsea_logits = expected(name, "chelsea_logits");

    std::vector<float> alone[2];  // fast, exact
    for (const bool exact : {false, true}) {
        mpar::network<Net, mpar::mesh<>, Backend> net(MPI_COMM_SELF, {.batch = 2, .exact = exact});
        load_seeded(net);
        alone[exact] = net.forward(images);
        CHECK(relative_difference(alone[exact], logits) <=
              (exact ? exact_tolerance : fast_tolerance));
        CHECK(top1(alone[exact]) == top1(logits));
        CHECK(net.measured() == mpar::traffic{});
    }
    struct way {
        std::optional<policy> asked;
        teaming team;
        bool exact = false;
    };
    const std::vector<way> ways{
        {policy::rows, teaming::off},  {policy::output, teaming::off}, {{}, teaming::claim, true},
        {{}, teaming::static_},          {{}, teaming::off},             {{}, teaming::off, true},
        {policy::none, teaming::off},  {policy::batch, teaming::off},  {{}, teaming::claim},
        {policy::rows, teaming::static_}};
    for (const auto& w : std::span(ways).first(std::size_t(effort(int(ways.size()))))) {
        INFO(name << ", policy " << (w.asked ? name_of(*w.asked) : "own") << ", team "
                  << name_of(w.team) << (w.exact ? ", exact" : ""));
        mpar::network<Net, mpar::mesh<>, Backend> net(
            MPI_COMM_WORLD,
            {.batch = 2, .asked = w.asked, .deadline = 100, .exact = w.exact, .team = w.team});
        load_seeded(net);
        CHECK(same_bits(net.forward(images), alone[w.exact]));
        CHECK(net.measured() == net.predicted());
        if (w.team == teaming::claim) CHECK(net.measured() == mpar::traffic{});
    }
    for (const bool exact : {false, true}) {
        mpar::network<Net, mpar::mesh<>, Backend> one(MPI_COMM_WORLD,
                                                      {.deadline = 100, .exact = exact});
        load_seeded(one);
        const auto together = one.forward(chelsea);
        CHECK(relative_difference(together, chelsea_logits) <=
              (exact ? exact_tolerance : fast_tolerance));
        CHECK(top1(together) == top1(chelsea_logits));
    }
}

}  // namespace mpar_test
