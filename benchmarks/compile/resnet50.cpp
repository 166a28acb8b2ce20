// SPDX-License-Identifier: MIT
// What a program that runs ResNet-50 compiles: the network on a static mesh of four and on any number
// of ranks, weights from a reader, one forward each.
#include <mpar/mpar.hpp>

#include <algorithm>
#include <vector>

namespace {

template <class Mesh>
float classify(const std::vector<float>& image) {
    mpar::network<mpar::resnet50, Mesh, mpar::backend::cpu> net(MPI_COMM_WORLD);
    const mpar::plan p = net.steps();
    net.load([p](int parameter, mpar::range rows, float* out) {
        const auto& q = p.parameters[static_cast<std::size_t>(parameter)];
        std::fill_n(out, q.count() / q.extents[0] * rows.size(), 0.01f);
    });
    return net.forward(image).front();
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    const std::vector<float> image(3 * 224 * 224, 0.5f);
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    const float logit = ranks == 4 ? classify<mpar::mesh<mpar::axis::model<4>>>(image)
                                   : classify<mpar::mesh<>>(image);
    MPI_Finalize();
    return logit == logit ? 0 : 1;
}
