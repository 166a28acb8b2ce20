// SPDX-License-Identifier: MIT
// ResNet-50 with seeded weights is torchvision's, under every policy; a static mesh gives the same.
// isa: native avx2
// ranks: 1 2 3 4
// timeout: 400
// sanitize: no
#include "support/oracle_check.hpp"

using namespace mpar;

TEST_CASE("resnet50 equals torchvision's under every policy") {
    mpar_test::check_against_oracle<resnet50>("resnet50");
}

namespace {

template <int Ranks>
void check_static_mesh(teaming how) {
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ranks != Ranks) return;
    const options o{.batch = 2, .team = how};
    network<resnet50, mesh<axis::model<Ranks>>> fixed(MPI_COMM_WORLD, o);
    network<resnet50> loose(MPI_COMM_WORLD, o);
    load_seeded(fixed);
    load_seeded(loose);
    const auto images = mpar_test::seeded_images(2);
    CHECK(mpar_test::same_bits(fixed.forward(images), loose.forward(images)));
    CHECK(fixed.predicted() == loose.predicted());
    CHECK(fixed.measured() == fixed.predicted());
}

}  // namespace

TEST_CASE("a static mesh gives the bits and the bytes of a dynamic one") {
    for (const auto how : {teaming::off, teaming::claim}) {
        check_static_mesh<1>(how);
        check_static_mesh<2>(how);
        check_static_mesh<3>(how);
        check_static_mesh<4>(how);
    }
}
