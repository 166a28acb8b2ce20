// SPDX-License-Identifier: MIT
// bench_matmul: sharded products by each algorithm, in a team's memory and by messages, and an MLP of
// batch 1, column then row, on all ranks and on the first alone. Under mpirun, one core a rank.
// --rounds=N (20): products of each; other options: Google Benchmark's.
#include "measure/fma.hpp"
#include "measure/samples.hpp"
#include "measure/suite.hpp"
#include "support/matmul_work.hpp"
#include "support/program.hpp"

#include <mpar/matmul/choose.hpp>

namespace {

using namespace mpar::matmul;

double now() {
    return std::chrono::duration<double>(bench::steady::now().time_since_epoch()).count();
}

void time_product(benchmark::State& state, mpar::communicator& comm, bool as_team, const plan& p) {
    tools::matmul_house house(comm, as_team, p);
    tools::matmul_work work(comm, house, p);
    work.run();
    bench::samples times;
    const double peak = bench::fma_loop::gigaflops() * comm.size();
    for (auto _ : state) {
        const double seconds = work.timed_run(now);
        times.add(seconds);
        state.SetIterationTime(seconds);
    }
    state.counters["gflops"] = p.of.flops() / times.quantile(0) * 1e-9;
    state.counters["peak_percent"] = p.of.flops() / times.quantile(0) * 1e-7 / peak;
    state.counters["words"] = double(words_of(p));
    state.counters["least_words"] = lower_bound_words(p.of, comm.size());
}

/// y = (x W) V in a team's memory: what one layer leaves is what the next one needs.
class mlp {
public:
    mlp(mpar::team& t, mpar::crew& crew, int width, int ranks)
        : x_(t, 1, width),
          w_(t, width, width),
          h_(t, 1, width),
          v_(t, width, width),
          y_(t, 1, width),
          one_(t, crew, choose({1, width, width}, algorithm::column, ranks), x_.all(), w_.all(),
               h_.all()),
          two_(t, crew, choose({1, width, width}, algorithm::row, ranks), h_.all(), v_.all(),
               y_.all()) {
        for (const auto* m : {&x_, &w_, &v_}) {
            if (!crew.leads()) continue;
            const auto all = m->all();
            for (long i = 0; i < all.rows; ++i) {
                for (long j = 0; j < all.columns; ++j) all(i, j) = float((i + j) % 7) * 0.1f;
            }
        }
    }
    void run() {
        one_.run();
        two_.run();
    }

private:
    shared_matrix<float> x_, w_, h_, v_, y_;
    team_product<float> one_, two_;
};

/// All ranks and the first one alone in turn.
void time_mlp(benchmark::State& state, mpar::communicator& comm, int width) {
    const plan room = choose({1, 2 * width, width}, algorithm::column, 1);  // both layers' matrices
    tools::matmul_house all(comm, true, room);
    if (!all.is_team() && comm.size() > 1) return state.SkipWithError("ranks of several nodes");
    mpar::communicator self(MPI_COMM_SELF);
    tools::matmul_house alone(self, false, room);
    mlp together(all.team(), all.crew(), width, comm.size());
    mlp single(alone.team(), alone.crew(), width, 1);
    bench::samples of_all, of_one;
    const auto timed = [&](mlp& m, bool takes_part) {
        mpar::all_reduce(comm, 0, MPI_SUM);
        const double began = now();
        if (takes_part) m.run();
        return double(mpar::all_reduce(comm, long((now() - began) * 1e9), MPI_MAX)) * 1e-9;
    };
    for (auto _ : state) {
        of_one.add(timed(single, comm.rank() == 0));
        const double seconds = timed(together, true);
        of_all.add(seconds);
        state.SetIterationTime(seconds);
    }
    state.counters["all_ranks_us"] = of_all.quantile(0.1) * 1e6;
    state.counters["one_rank_us"] = of_one.quantile(0.1) * 1e6;
    state.counters["speedup"] = of_one.quantile(0.1) / of_all.quantile(0.1);
    state.counters["speedup_median"] = of_one.quantile(0.5) / of_all.quantile(0.5);
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = bench::number_option(argc, argv, "rounds", 20);
    return tools::run(argc, argv, [&](int rank) {
        mpar::communicator comm(MPI_COMM_WORLD);
        const auto add = [&](const std::string& name, auto... arguments) {
            benchmark::RegisterBenchmark(name.c_str(), arguments...)
                ->UseManualTime()
                ->Iterations(rounds)
                ->Unit(benchmark::kMicrosecond);
        };
        for (const sizes s :
             {sizes{512, 512, 512}, sizes{2048, 2048, 2048}, sizes{64, 4096, 4096}}) {
            for (const algorithm how : {algorithm::column, algorithm::row, algorithm::summa,
                                        algorithm::cannon, algorithm::grid3d}) {
                if (candidates(s, how, comm.size()).empty()) continue;
                const plan p = choose(s, how, comm.size());
                for (const bool as_team : {true, false}) {
                    const std::string name = "matmul/" + std::to_string(s.m) + "x" +
                                             std::to_string(s.n) + "x" + std::to_string(s.k) + "/" +
                                             std::string(name_of(how)) +
                                             (as_team ? "/team" : "/messages");
                    add(name, [&comm, as_team, p](benchmark::State& state) {
                        time_product(state, comm, as_team, p);
                    });
                }
            }
        }
        add("mlp/batch1/4096x4096x4096",
            [&comm](benchmark::State& state) { time_mlp(state, comm, 4096); });
        return bench::run(argc, argv, rank, comm.size());
    });
}
