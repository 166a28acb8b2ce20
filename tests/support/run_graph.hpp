// SPDX-License-Identifier: MIT
// Runs a lowered graph with seeded weights and images on a communicator. Knows no expected value.
#pragma once

#include <mpar/models/seeded.hpp>
#include <mpar/net/run/engine.hpp>
#include <mpar/net/plan/lower.hpp>

#include <vector>

namespace mpar_test {

template <class T>
struct outcome {
    std::vector<T> values;
    mpar::traffic measured, predicted;
};

/// One forward on the ranks of `comm`; each rank passes what the input's layout says.
template <class Backend, class T>
outcome<T> run_graph(MPI_Comm comm, const mpar::lowered& net, const mpar::options& how) {
    mpar::engine<Backend, T> engine(mpar::communicator(comm, mpar::seconds(60)), net.view(), how);
    engine.load(mpar::seeded_reader<T>(net.view(), {}));

    mpar::shape all = net.view().input().extents;
    all.n = how.batch;
    const std::int64_t extents[] = {all.n, all.c, all.h, all.w};
    const auto images = mpar::io::seeded_values<T>("input", extents);
    const auto mine = mpar::dense_view(images.data(), all).part(engine.input_box());

    outcome<T> result;
    result.values.resize(std::size_t(engine.output_shape().count()));
    engine.forward(mine, mpar::dense_view(result.values.data(), engine.output_shape()), {});
    result.measured = engine.measured();
    result.predicted = engine.predicted();
    return result;
}

}  // namespace mpar_test
