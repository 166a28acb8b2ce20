// SPDX-License-Identifier: MIT
// bench_collectives: all-gather and all-reduce of ranks that share memory, mpar's and MPI's in turn.
// Under mpirun, one core a rank. --rounds=N (200): batches of each; other options: Google Benchmark's.
//
// .../call: values stand where their producer wrote them (mpar: in the team's memory), the call makes
// them everybody's. .../whole: every rank also writes its values before and reads all of the result
// after, as layers do, so that what the call has not moved is paid for by the reader.
#include "measure/samples.hpp"
#include "measure/suite.hpp"
#include "support/program.hpp"

#include <mpar/comm/team.hpp>
#include <mpar/comm/team_sum.hpp>

#include <numeric>
#include <span>

namespace {

/// Both ways of one collective over the team: a call, and what a rank writes and reads for it.
struct place {
    mpar::team& team;
    mpar::crew& crew;
    int ranks() const { return team.members(); }
};

class gather {
public:
    gather(place p, long bytes)
        : p_(p),
          each_(std::max(1L, bytes / long(sizeof(float)) / p.ranks())),
          shared_(p.team, std::size_t(2 * each_ * p.ranks()) * sizeof(float)),
          mine_(std::size_t(each_)),
          all_(std::size_t(each_ * p.ranks())) {}

    /// before: rank 0 [a .], rank 1 [. b]   after: both [a b], until the call after the next
    std::span<const float> ours() {
        p_.crew.meet();
        const float* const now = shared();
        turn_ = 1 - turn_;
        return {now, std::size_t(each_ * p_.ranks())};
    }
    std::span<const float> theirs() {
        MPI_Allgather(mine_.data(), int(each_), MPI_FLOAT, all_.data(), int(each_), MPI_FLOAT,
                      MPI_COMM_WORLD);
        return {all_.data(), all_.size()};
    }
    std::span<float> our_input() {
        return {shared() + each_ * p_.team.member(), std::size_t(each_)};
    }
    std::span<float> their_input() { return {mine_.data(), mine_.size()}; }

private:
    /// Two buffers take turns: who writes the one again has met those who have read it.
    float* shared() const {
        return static_cast<float*>(shared_.data()) + turn_ * each_ * p_.ranks();
    }

    place p_;
    long each_;
    int turn_ = 0;
    mpar::team_memory<> shared_;
    mpar::buffer<float> mine_, all_;
};

class reduce {
public:
    reduce(place p, long bytes)
        : count_(bytes / long(sizeof(float))),
          sums_(p.team, p.crew, count_),
          mine_(std::size_t(count_)),
          all_(std::size_t(count_)) {}

    /// before: rank 0 [a], rank 1 [b]   after: both [a + b]
    std::span<const float> ours() { return {sums_.sum(count_), std::size_t(count_)}; }
    std::span<const float> theirs() {
        MPI_Allreduce(mine_.data(), all_.data(), int(count_), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
        return {all_.data(), all_.size()};
    }
    std::span<float> our_input() { return {sums_.mine(), std::size_t(count_)}; }
    std::span<float> their_input() { return {mine_.data(), mine_.size()}; }

private:
    long count_;
    mpar::team_sum<float> sums_;
    mpar::buffer<float> mine_, all_;
};

void write(std::span<float> values, float first) {
    for (float& v : values) v = first;
}
float read(std::span<const float> values) {
    float sums[16] = {};
    std::size_t i = 0;
    for (; i + 16 <= values.size(); i += 16) {
        for (std::size_t k = 0; k < 16; ++k) sums[k] += values[i + k];
    }
    for (; i < values.size(); ++i) sums[0] += values[i];
    return std::accumulate(sums, sums + 16, 0.0f);
}

/// The slowest rank's seconds of one call, from a batch of `calls`.
template <class Call>
double batch(int calls, const Call& call) {
    MPI_Barrier(MPI_COMM_WORLD);
    const auto began = bench::steady::now();
    for (int i = 0; i < calls; ++i) call();
    double seconds = bench::seconds_since(began) / calls;
    MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return seconds;
}

template <class Collective>
void time_collective(benchmark::State& state, place p, long bytes, bool whole) {
    Collective c(p, bytes);
    write(c.our_input(), 1);
    write(c.their_input(), 1);
    const int calls = int(std::clamp(1'000'000 / std::max(bytes, 2000L), 20L, 200L));
    float kept = 0;
    const auto ours = [&] {
        if (whole) write(c.our_input(), kept * 0 + 1);
        const auto result = c.ours();
        if (whole) kept = read(result);
    };
    const auto theirs = [&] {
        if (whole) write(c.their_input(), kept * 0 + 1);
        const auto result = c.theirs();
        if (whole) kept = read(result);
    };
    batch(calls, ours);
    batch(calls, theirs);
    bench::samples a, b;
    for (auto _ : state) {
        const double seconds = batch(calls, ours);
        a.add(seconds);
        b.add(batch(calls, theirs));
        state.SetIterationTime(seconds);
    }
    benchmark::DoNotOptimize(kept);
    state.counters["bytes"] = double(bytes);
    state.counters["mpar_us"] = a.quantile(0.1) * 1e6;
    state.counters["mpi_us"] = b.quantile(0.1) * 1e6;
    state.counters["ratio"] = a.quantile(0.1) / b.quantile(0.1);
    state.counters["ratio_min"] = a.quantile(0) / b.quantile(0);
    state.counters["ratio_median"] = a.quantile(0.5) / b.quantile(0.5);
}

template <class Collective>
void add(const std::string& name, place p, int rounds) {
    for (const bool whole : {false, true}) {
        for (const long bytes :
             {8L, 64L, 512L, 4L << 10, 16L << 10, 64L << 10, 256L << 10, 1L << 20}) {
            const std::string full =
                name + (whole ? "/whole" : "/call") + "/" + std::to_string(bytes);
            benchmark::RegisterBenchmark(full.c_str(), time_collective<Collective>, p, bytes, whole)
                ->UseManualTime()
                ->Iterations(rounds)
                ->Unit(benchmark::kMicrosecond);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = bench::number_option(argc, argv, "rounds", 200);
    return tools::run(argc, argv, [&](int rank) {
        mpar::communicator comm(MPI_COMM_WORLD);
        mpar::team team(comm, mpar::teaming::claim);
        if (team.members() < 2 || team.members() != comm.size()) {
            throw mpar::error(mpar::fault::usage,
                              "mpar: bench_collectives needs two ranks or more, all on one node");
        }
        mpar::crew crew;
        const auto board = mpar::muster(team, crew, comm.rank(), comm.deadline());
        const place p{team, crew};
        add<gather>("all_gather", p, rounds);
        add<reduce>("all_reduce", p, rounds);
        return bench::run(argc, argv, rank, team.members());
    });
}
