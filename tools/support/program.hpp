// SPDX-License-Identifier: MIT
// What every program of mpar has in common: MPI around it, one line of error, exit codes, a
// version. Knows no network.
#pragma once

#include "support/launch.hpp"

#include <mpar/comm/agree.hpp>
#include <mpar/core/config.hpp>
#include <mpar/core/error.hpp>

#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <thread>

namespace tools {

/// mpar, MPI, compiler, ISA, CUDA: what --version prints.
inline std::string version() {
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(mpi, &length);
    std::string library(mpi, static_cast<std::size_t>(length));
    library = library.substr(0, library.find_first_of(",\n"));
#if defined(__clang__)
    const std::string compiler = "clang " __clang_version__;
#else
    const std::string compiler = "g++ " __VERSION__;
#endif
    return "mpar " + std::to_string(MPAR_VERSION_MAJOR) + "." + std::to_string(MPAR_VERSION_MINOR) +
           "." + std::to_string(MPAR_VERSION_PATCH) + "; " + library + "; " + compiler +
           "; built for " MPAR_ISA "; CUDA: off";
}

/// One line for the whole job: `mpar: error: ...`.
inline void print_error(const std::string& sentence) {
    const std::string words = sentence.starts_with("mpar: ") ? sentence.substr(6) : sentence;
    std::cerr << ("mpar: error: " + words + "\n") << std::flush;
}

/// Ends the process where the other ranks cannot be met any more. The first to come speaks for all:
/// the launcher then ends the others, who wait a little in the order of their ranks.
[[noreturn]] inline void leave(int rank, const mpar::error& e) {
    // what another rank of a team has found out, that one says
    const std::string words = e.what();
    const bool is_mine = words.starts_with("mpar: rank " + std::to_string(rank) + ",");
    const bool is_theirs = words.starts_with("mpar: rank ") && !is_mine;
    std::this_thread::sleep_for(std::chrono::milliseconds(1500) *
                                (std::min(rank, 20) + (is_theirs ? 20 : 0)));
    print_error(e.what());
    _exit(static_cast<int>(e.kind()));
}

/// Runs `work(rank)` between MPI_Init_thread and MPI_Finalize; returns the exit code.
///
/// An error that all ranks have thrown is printed by rank 0. What only one rank knows (a wait that
/// passed its deadline, MPI's own failure) ends the job from there.
template <class Work>
int run(int argc, char** argv, Work work) {
    int level = 0, rank = 0;
    {
        const short_start settings;
        MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    int code = 0;
    try {
        code = work(rank);
    } catch (const mpar::error& e) {
        if (e.kind() == mpar::fault::no_progress || e.kind() == mpar::fault::mpi) leave(rank, e);
        if (rank == 0) print_error(e.what());
        code = static_cast<int>(e.kind());
    } catch (const std::bad_alloc&) {
        leave(rank, mpar::error(mpar::fault::device, "mpar: memory is unavailable"));
    } catch (const std::exception& e) {
        leave(rank, mpar::error(mpar::fault::internal, e.what()));
    }
    MPI_Finalize();
    return code;
}

}  // namespace tools
