// SPDX-License-Identifier: MIT
// bench_kernels: every distinct convolution and dense layer of three networks, one core. Per layer:
// time, GFLOP/s of the direct sum, and its share of the FMA peak of the same seconds.
// --batch=N --benchmark_filter=REGEX --benchmark_min_time=SECONDS; other options: Google Benchmark's.
#include "measure/fma.hpp"
#include "measure/layer.hpp"
#include "measure/samples.hpp"
#include "measure/suite.hpp"

#include <mpar/models/efficientnet_lite.hpp>
#include <mpar/models/resnet.hpp>

#include <set>

namespace {

void time_layer(benchmark::State& state, const bench::layer& l) {
    bench::layer_run run(l);
    run.forward();
    double peak = bench::fma_loop::gigaflops(20);
    bench::samples took;
    for (auto _ : state) {
        const auto began = bench::steady::now();
        run.forward();
        const double seconds = bench::seconds_since(began);
        took.add(seconds);
        state.SetIterationTime(seconds);
    }
    peak = std::max(peak, bench::fma_loop::gigaflops(20));
    const double rate = double(l.flops()) * 1e-9 / took.quantile(0.1);
    state.counters["p10_us"] = took.quantile(0.1) * 1e6;
    state.counters["median_us"] = took.quantile(0.5) * 1e6;
    state.counters["GFLOP/s"] = rate;
    state.counters["percent_of_peak"] = 100 * rate / peak;
}

/// Registers the layers of Net that `wanted` likes and that have not been there before.
template <class Net>
void add_layers(std::set<std::string>& known, int batch, bool (*wanted)(const bench::layer&)) {
    for (const bool exact : {true, false}) {
        for (const auto& l : bench::layers_of<Net>(batch, exact)) {
            if (!wanted(l) || !known.insert(l.name()).second) continue;
            benchmark::RegisterBenchmark(l.name().c_str(), time_layer, l)
                ->UseManualTime()
                ->Unit(benchmark::kMicrosecond);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int batch = bench::number_option(argc, argv, "batch", 1);
    std::set<std::string> known;
    const auto all = [](const bench::layer&) { return true; };
    add_layers<mpar::resnet50>(known, batch, all);
    add_layers<mpar::resnet18>(known, batch, all);
    add_layers<mpar::efficientnet_lite0>(
        known, batch, [](const bench::layer& l) { return l.problem().is_depthwise(); });
    return bench::run(argc, argv, 0, 1);
}
