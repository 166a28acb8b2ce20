// SPDX-License-Identifier: MIT
// EfficientNet-Lite0 with its really trained weights, on photographs, under every policy.
// ranks: 1 2 3 4
// timeout: 300
#include "support/catch.hpp"
#include "support/oracle.hpp"

#include <mpar/io/image.hpp>
#include <mpar/models/load.hpp>
#include <mpar/mpar.hpp>

#include <cstdlib>

using namespace mpar;

TEST_CASE("efficientnet_lite0 recognises the photographs, the same bits on any number of ranks") {
    const char* folder = std::getenv("MPAR_REAL_DATA");
    if (!folder) {
        WARN("MPAR_REAL_DATA is not set: tests/real_data.sh fetches weights and photographs");
        return;
    }
    const std::vector<std::string> names{"chelsea.png", "coffee.png", "rocket.jpg",
                                         "motorcycle_left.png"};
    std::vector<float> images, logits;
    for (const auto& name : names) {
        std::vector<float> one(3 * 224 * 224);
        io::preprocess(io::read_image(folder + ("/" + name)), io::preprocessing::half(),
                       one.data());
        images.insert(images.end(), one.begin(), one.end());
        const auto wanted = mpar_test::expected("efficientnet_lite0_logits", name);
        logits.insert(logits.end(), wanted.begin(), wanted.end());
    }
    const std::string weights = folder + std::string("/efficientnet-lite0.pth");
    const auto run = [&](MPI_Comm comm, std::optional<policy> asked) {
        network<efficientnet_lite0> net(comm, {.batch = 4, .asked = asked, .deadline = 100});
        load(net, weights);
        auto y = net.forward(images);
        CHECK(net.measured() == net.predicted());
        return y;
    };
    const auto alone = run(MPI_COMM_SELF, {});
    CHECK(mpar_test::relative_difference(alone, logits) <= 1e-4);
    for (const auto asked :
         {std::optional<policy>{}, std::optional(policy::none), std::optional(policy::batch),
          std::optional(policy::rows), std::optional(policy::output)}) {
        CHECK(mpar_test::same_bits(run(MPI_COMM_WORLD, asked), alone));
    }
}
