// SPDX-License-Identifier: MIT
// The plain-loop backend is torchvision's ResNet-18 too, cut in rows and channels.
// isa: native
// ranks: 2
// timeout: 300
// sanitize: no
#include "support/oracle_check.hpp"

using namespace mpar;

TEST_CASE("resnet18 on the reference backend equals torchvision's") {
    network<resnet18, mesh<>, backend::reference> net(MPI_COMM_WORLD, {.batch = 2});
    load_seeded(net);
    const auto logits = net.forward(mpar_test::seeded_images(2));
    CHECK(mpar_test::relative_difference(logits, mpar_test::expected("resnet18", "logits")) <=
          2e-6);
}

TEST_CASE("resnet18 in double precision equals torchvision's more closely than float can") {
    network<resnet18, mesh<>, backend::cpu, double> net(MPI_COMM_WORLD, {.batch = 2});
    load_seeded(net);
    const auto images = mpar_test::seeded_images(2);
    const auto logits = net.forward(std::vector<double>(images.begin(), images.end()));
    const std::vector<float> rounded(logits.begin(), logits.end());
    CHECK(mpar_test::relative_difference(rounded, mpar_test::expected("resnet18", "logits")) <=
          1e-7);
}
