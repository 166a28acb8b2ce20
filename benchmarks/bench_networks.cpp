// SPDX-License-Identifier: MIT
// bench_networks: the forward of every model with seeded weights, on the ranks of the job.
// --rounds=N (10): forwards of each; --team=1: ranks of a node share memory; other options: Google
// Benchmark's.
#include "measure/samples.hpp"
#include "measure/suite.hpp"
#include "support/model.hpp"
#include "support/program.hpp"

#include <mpar/comm/all_reduce.hpp>

namespace {

struct work {
    std::string model;
    mpar::options how;
};

/// The slowest rank's times of forwards that all begin together.
void time_forward(benchmark::State& state, const work& w) {
    auto net = tools::make_model(w.model, "cpu", MPI_COMM_WORLD, w.how);
    net->load("seeded", {});
    const mpar::shape in = net->mine().tensors.front().owned.extents();
    const int classes = net->steps().output().extents.c;
    const std::vector<float> x(std::size_t(in.count()), 0.5f);
    std::vector<float> y(std::size_t(w.how.batch * classes));
    const auto forward = [&] {
        net->forward(mpar::dense_view(x.data(), in),
                     mpar::dense_view(y.data(), {w.how.batch, classes, 1, 1}));
    };
    forward();
    bench::samples took;
    for (auto _ : state) {
        MPI_Barrier(MPI_COMM_WORLD);
        const auto began = bench::steady::now();
        forward();
        double seconds = bench::seconds_since(began);
        MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
        took.add(seconds);
        state.SetIterationTime(seconds);
    }
    state.counters["min_ms"] = took.quantile(0) * 1e3;
    state.counters["p10_ms"] = took.quantile(0.1) * 1e3;
    state.counters["median_ms"] = took.quantile(0.5) * 1e3;
    state.counters["images/s"] = w.how.batch / took.quantile(0.5);
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = bench::number_option(argc, argv, "rounds", 10);
    const bool team = bench::number_option(argc, argv, "team", 0);
    return tools::run(argc, argv, [&](int rank) {
        int ranks = 1;
        MPI_Comm_size(MPI_COMM_WORLD, &ranks);
        for (const auto& m : tools::offers) {
            for (const int batch : {1, 8}) {
                for (const bool exact : {false, true}) {
                    work w{std::string(m.name), {}};
                    w.how.batch = batch;
                    w.how.exact = exact;
                    if (team) w.how.team = mpar::teaming::claim;
                    const std::string name =
                        w.model + "/batch" + std::to_string(batch) + (exact ? "/exact" : "/fast");
                    benchmark::RegisterBenchmark(name.c_str(), time_forward, w)
                        ->UseManualTime()
                        ->Iterations(rounds)
                        ->Unit(benchmark::kMillisecond);
                }
            }
        }
        return bench::run(argc, argv, rank, ranks);
    });
}
