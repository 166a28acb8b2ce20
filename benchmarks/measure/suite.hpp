// SPDX-License-Identifier: MIT
// What every suite has in common: Google Benchmark under mpirun, printed by rank 0. Knows no kernel.
#pragma once

#include <mpar/core/config.hpp>

#include <benchmark/benchmark.h>
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// Says nothing: of all ranks but the first.
class silence : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>&) override {}
};

/// Takes `--name=N` out of the command line. returns: N, or `otherwise`.
inline int number_option(int& argc, char** argv, std::string_view name, int otherwise) {
    const std::string begins = "--" + std::string(name) + "=";
    int kept = 1, value = otherwise;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word.starts_with(begins)) {
            value = std::max(1, std::atoi(word.substr(begins.size()).data()));
        } else {
            argv[kept++] = argv[i];
        }
    }
    argc = kept;
    return value;
}

/// Runs what is registered. Ranks must run the same: give each benchmark its number of iterations.
inline int run(int argc, char** argv, int rank, int ranks) {
    // a file is rank 0's alone
    std::vector<char*> words(argv, argv + argc);
    if (rank != 0)
        std::erase_if(words, [](const char* w) {
            return std::string_view(w).starts_with("--benchmark_out");
        });
    int count = int(words.size());
    benchmark::Initialize(&count, words.data());
    if (benchmark::ReportUnrecognizedArguments(count, words.data())) return 2;
    benchmark::AddCustomContext("isa", MPAR_ISA);
    benchmark::AddCustomContext("ranks", std::to_string(ranks));
    silence none;
    if (rank == 0) {
        benchmark::RunSpecifiedBenchmarks();
    } else {
        benchmark::RunSpecifiedBenchmarks(&none);
    }
    benchmark::Shutdown();
    return 0;
}

}  // namespace bench
