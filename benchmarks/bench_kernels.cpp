// SPDX-License-Identifier: MIT
// bench_kernels: every distinct convolution and dense layer of three networks, one core. Per layer:
// time, GFLOP/s of the direct sum, and its share of the FMA peak of the same seconds.
// --batch=N --benchmark_filter=REGEX --benchmark_min_time=SECONDS; other options: Google Benchmark's.
#include "measure/fma.hpp"
#include "measure/samples.hpp"
#include "measure/suite.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/models/efficientnet_lite.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/execute.hpp>
#include <mpar/net/part.hpp>
#include <mpar/net/static_plan.hpp>
#include <mpar/tensor/memory.hpp>

#include <random>
#include <set>

namespace {

using backend = mpar::backend::cpu;
using mpar::op;

constexpr int block = backend::block<float>;

/// A layer as one rank that is alone computes it.
struct layer {
    mpar::operation what;
    mpar::box x, y;  ///< x: what it reads, padding included
    int tile = 0;    ///< of Winograd's; 0: the sum
    bool residual = false;

    mpar::convolution problem() const { return mpar::problem_of(what, x.c, y, tile); }
    long flops() const { return mpar::flops(what, y, x.extents()); }

    std::string name() const {
        const auto& w = what.window;
        const auto text = [](auto n) { return std::to_string(n); };
        std::string s =
            what.kind == op::dense ? "dense" : "conv" + text(w.h.kernel) + "x" + text(w.w.kernel);
        if (problem().is_depthwise()) s = "depthwise" + s.substr(4);
        if (w.h.stride > 1) s += "/stride" + text(w.h.stride);
        s += "/" + text(what.in) + "to" + text(what.out) + "/" + text(y.h.size()) + "x" +
             text(y.w.size());
        if (residual) s += "/residual";
        return s + (tile ? "/winograd" + text(tile) : "/direct");
    }
};

/// Memory of one tensor, filled with numbers around zero.
class memory {
public:
    explicit memory(long elements) : values_(std::size_t(elements)) {
        std::minstd_rand draw(1);
        std::uniform_real_distribution<float> uniform(-1, 1);
        std::generate_n(values_.data(), elements, [&] { return uniform(draw); });
    }
    float* data() const { return values_.data(); }
    mpar::view<float> as(const mpar::box& b) const {
        return mpar::dense_view(values_.data(), b.extents(), block);
    }

private:
    mpar::buffer<float> values_;
};

long storage(const mpar::box& b) { return mpar::storage(b.extents(), block); }

void time_layer(benchmark::State& state, const layer& l) {
    const mpar::convolution problem = l.problem();
    backend::queue queue;
    const memory x(storage(l.x)), y(storage(l.y)), residual(l.residual ? storage(l.y) : 0),
        bias(mpar::round_up(l.y.c.size(), block)),
        workspace(backend::workspace<float>(problem, l.y.extents(), 1));
    const memory filters(long(l.y.c.size()) * problem.in_per_group() * problem.window_taps());
    const memory packed(backend::packed_filters<float>(problem));
    backend::pack_filters(static_cast<const float*>(filters.data()), problem, packed.data());

    const mpar::arguments<backend, float> a{
        .queue = queue,
        .x = x.as(l.x),
        .residual =
            l.residual ? mpar::view<const float>(residual.as(l.y)) : mpar::view<const float>{},
        .y = y.as(l.y),
        .where = l.y,
        .in_channels = l.x.c,
        .tile = l.tile,
        .padding = {},
        .weights = packed.data(),
        .bias = bias.data(),
        .workspace = workspace.data()};
    double peak = bench::fma_loop::gigaflops(20);
    bench::samples took;
    mpar::execute<backend, float>(l.what, a, nullptr);
    for (auto _ : state) {
        const auto began = bench::steady::now();
        mpar::execute<backend, float>(l.what, a, nullptr);
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
void add_layers(std::set<std::string>& known, int batch, bool (*wanted)(const layer&)) {
    const mpar::plan& plan = mpar::plan_of<Net>;
    for (const bool exact : {true, false}) {
        const mpar::part mine = mpar::partition(
            plan, {{0, 1}, batch, block, 4, exact ? nullptr : &backend::winograd_tile<float>});
        for (std::size_t i = 0; i < plan.steps.size(); ++i) {
            const auto& s = plan.steps[i];
            if (s.what.kind != op::convolution && s.what.kind != op::dense) continue;
            const auto& m = mine.steps[i];
            const layer l{s.what, m.x, m.y, m.tile, s.residual >= 0};
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
    const auto all = [](const layer&) { return true; };
    add_layers<mpar::resnet50>(known, batch, all);
    add_layers<mpar::resnet18>(known, batch, all);
    add_layers<mpar::efficientnet_lite0>(known, batch,
                                         [](const layer& l) { return l.problem().is_depthwise(); });
    return bench::run(argc, argv, 0, 1);
}
