// SPDX-License-Identifier: MIT
// bench_layers: sharded convolutions under each policy, by messages and in a team's memory; and alone,
// the halos of rows, columns and both, and transitions between layouts. Under mpirun, one core a rank.
// --rounds=N (20): of each; other options: Google Benchmark's.
#include "measure/samples.hpp"
#include "measure/suite.hpp"
#include "support/program.hpp"

#include <mpar/comm/all_reduce.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>
#include <mpar/net/graph/dynamic_graph.hpp>

#include <array>
#include <string>

namespace {

using namespace mpar;

template <int C, int Kernel>
struct body {
    using layers = chain<conv2d<C, C, window<Kernel>>, relu>;
};
/// Convolutions of one size after each other; little is left to gather.
template <int C, int Side, int Kernel>
struct layers_of {
    using input = image<C, Side, Side>;
    using layers = chain<repeat<4, body<C, Kernel>>, max_pool<window<7, 7, pad<0>>>>;
    static constexpr shape extents{1, C, Side, Side};
    static constexpr int kernel = Kernel;
};

template <class Net>
std::string size_name() {
    const shape s = Net::extents;
    return std::to_string(s.c) + "x" + std::to_string(s.h) + "x" + std::to_string(s.w) + "/" +
           std::to_string(Net::kernel) + "x" + std::to_string(Net::kernel);
}

/// Times f() when all ranks have begun together, until the last is done.
template <class F>
bench::samples time(benchmark::State& state, communicator& comm, F f) {
    f();
    bench::samples took;
    for (auto _ : state) {
        all_reduce(comm, 0, MPI_SUM);
        const auto began = bench::steady::now();
        f();
        const long mine = long(bench::seconds_since(began) * 1e9);
        const double seconds = double(all_reduce(comm, mine, MPI_MAX)) * 1e-9;
        took.add(seconds);
        state.SetIterationTime(seconds);
    }
    return took;
}

template <class Net>
void time_layers(benchmark::State& state, policy asked, teaming how) {
    network<Net> net(MPI_COMM_WORLD, {.asked = asked, .team = how});
    load_seeded(net);
    const shape in = net.input_box().extents(), out = net.output_shape();
    const std::vector<float> x(std::size_t(in.count()), 0.5f);
    std::vector<float> y(std::size_t(out.count()));
    auto took = time(state, net.comm(),
                     [&] { net.forward(dense_view(x.data(), in), dense_view(y.data(), out)); });
    long flops = 0;  // of one rank that does it all, by the sums
    for (const auto& s : partition(net.steps(), {}).steps) flops += s.flops;
    const long bytes = all_reduce(net.comm(), net.predicted().bytes_received, MPI_MAX);
    state.counters["gflops"] = double(flops) / took.quantile(0.1) * 1e-9;
    state.counters["bytes"] = double(bytes);
}

/// The exchange between two layers: a halo where both are cut alike, else a transition.
template <class Net>
void time_exchange(benchmark::State& state, communicator& comm, policy from, policy to) {
    const std::array placed{placing(from), placing(policy::follow), placing(to),
                            placing(policy::follow)};
    dynamic_graph twice;
    for (const std::size_t i : {0, 1, 0, 1}) twice.add_next(graph_of<Net>[i].does);
    const lowered l =
        lower(twice.view(), Net::extents, policy::none, choice(std::span<const placing>(placed)));
    if (l.wrong) return state.SkipWithError(sentence(l.wrong).c_str());
    constexpr int block = backend::cpu::block<float>;
    part mine =
        partition(l.view(), setting_on<backend::cpu, float>({comm.rank(), comm.size()}, 1, true));
    const int between = l.view().steps[1].x();
    growing<exchange> kept;
    for (const auto& e : mine.exchanges) {
        if (e.tensor == between) kept.push_back(e);
    }
    mine.exchanges = kept;
    traffic sum;
    for (const auto& e : mine.exchanges) {
        for (const auto& m : e.receives) {
            const long bytes = message_bytes(m.what, mine.of);
            sum += {.bytes_received = bytes, .messages_received = messages_for(bytes)};
        }
    }
    const box& held = mine.tensors[std::size_t(between)].held;
    buffer<float> memory(std::size_t(storage(held.extents(), block)));
    std::fill_n(memory.data(), storage(held.extents(), block), 1.0f);
    const view<float> whole = dense_view(memory.data(), held.extents(), block);
    transfer<backend::cpu, float> messages(comm, mine);
    backend::cpu::queue queue;
    auto took = time(state, comm, [&] {
        for (std::size_t e = 0; e < mine.exchanges.size(); ++e) {
            messages.start(queue, e, whole, held);
            messages.finish(queue, e, whole, held, [] { return std::string("a benchmark"); });
        }
    });
    const long bytes = all_reduce(comm, sum.bytes_received, MPI_MAX);
    state.counters["bytes"] = double(bytes);
    state.counters["messages"] = double(all_reduce(comm, sum.messages_received, MPI_MAX));
    state.counters["GB/s"] = double(bytes) / took.quantile(0.1) * 1e-9;
}

constexpr policy whole_policies[] = {policy::none,   policy::rows,  policy::cols, policy::tiles,
                                     policy::output, policy::input, policy::grid};

template <class Net, class Add>
void add_layers(const Add& add) {
    for (const policy p : whole_policies) {
        for (const auto how : {teaming::off, teaming::claim}) {
            add("conv/" + size_name<Net>() + "/" + std::string(name_of(p)) +
                    (how == teaming::off ? "/messages" : "/team"),
                [p, how](benchmark::State& state) { time_layers<Net>(state, p, how); });
        }
    }
}
template <class Net, class Add>
void add_exchanges(const Add& add, communicator& comm) {
    for (const policy from : {policy::rows, policy::cols, policy::tiles, policy::output}) {
        for (const policy to : {policy::rows, policy::cols, policy::tiles, policy::output}) {
            const bool is_halo = from == to && from != policy::output;
            add((is_halo ? "halo/" : "transition/") + size_name<Net>() + "/" +
                    std::string(name_of(from)) + (is_halo ? "" : "-" + std::string(name_of(to))),
                [&comm, from, to](benchmark::State& state) {
                    time_exchange<Net>(state, comm, from, to);
                });
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = bench::number_option(argc, argv, "rounds", 20);
    return tools::run(argc, argv, [&](int rank) {
        communicator comm(MPI_COMM_WORLD, seconds(60));
        const auto add = [&](const std::string& name, auto f) {
            benchmark::RegisterBenchmark(name.c_str(), f)
                ->UseManualTime()
                ->Iterations(rounds)
                ->Unit(benchmark::kMicrosecond);
        };
        add_layers<layers_of<64, 56, 3>>(add);
        add_layers<layers_of<256, 14, 3>>(add);
        add_layers<layers_of<256, 56, 1>>(add);
        add_exchanges<layers_of<64, 56, 3>>(add, comm);
        add_exchanges<layers_of<512, 14, 3>>(add, comm);
        add_exchanges<layers_of<64, 224, 3>>(add, comm);
        return bench::run(argc, argv, rank, comm.size());
    });
}
