// SPDX-License-Identifier: MIT
// The main of every test: one Catch2 session a rank, one verdict a job. Knows nothing of mpar.
//
// Rank 0 prints the usual report; the other ranks print their failed assertions only, at once. A
// rank that fails makes every exit code non-zero. A job that does not end is ended: exit code 86.

// In version 2 of Catch2 this makes the header define the session; version 3 has a library for it.
#define CATCH_CONFIG_RUNNER
#include "catch.hpp"
#include "leaks.hpp"
#include "watchdog.hpp"

#include <mpi.h>

#include <cstdio>
#include <iostream>
#include <streambuf>
#include <string>

/// What Open MPI's process manager keeps until the process ends; called by LeakSanitizer.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libpmix\n"; }
extern "C" const char* __lsan_default_options();
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }

#if defined(__SANITIZE_ADDRESS__)
/// Open MPI's modules stay in the process: what they point to is no leak, and a report names them.
extern "C" int dlclose(void*);
extern "C" int dlclose(void*) { return 0; }
#endif

namespace {

int rank = 0;

/// One line, in one piece, that names the rank.
template <class... Values>
void say(const char* format, Values... values) {
    char line[2000];
    std::snprintf(line, sizeof line, format, values...);
    std::fprintf(stderr, "[rank %d] %s\n", rank, line);
}

#if defined(CATCH_VERSION_MAJOR) && CATCH_VERSION_MAJOR >= 3
using listener_base = Catch::EventListenerBase;
#else
using listener_base = Catch::TestEventListenerBase;
#endif

struct silence : std::streambuf {
    int overflow(int c) override { return c; }
};

/// Tells the watchdog where the test is, and on ranks other than 0 prints what failed.
struct listener : listener_base {
    using listener_base::listener_base;

    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        listener_base::testCaseStarting(info);
        mpar_test::watchdog::now_in(info.name);
    }

#if defined(CATCH_VERSION_MAJOR) && CATCH_VERSION_MAJOR >= 3
    void assertionEnded(const Catch::AssertionStats& stats) override { look_at(stats); }
#else
    bool assertionEnded(const Catch::AssertionStats& stats) override {
        look_at(stats);
        return listener_base::assertionEnded(stats);
    }
#endif

private:
    static void look_at(const Catch::AssertionStats& stats) {
        const Catch::AssertionResult& result = stats.assertionResult;
        if (result.isOk()) return;
        if (rank != 0) {
            const auto at = result.getSourceInfo();
            say("%s:%zu: FAILED: %s", at.file, at.line,
                std::string(result.getExpressionInMacro()).c_str());
            if (result.hasExpandedExpression())
                say("  expands to: %s", result.getExpandedExpression().c_str());
            if (result.hasMessage()) say("  message: %s", std::string(result.getMessage()).c_str());
            for (const auto& info : stats.infoMessages) say("  info: %s", info.message.c_str());
        }
        mpar_test::watchdog::a_failure_was_seen();
    }
};

CATCH_REGISTER_LISTENER(listener)

int run(int argc, char** argv) {
    Catch::Session session;
    if (const int wrong = session.applyCommandLine(argc, argv)) return wrong;
    auto& config = session.configData();
    // no colours: mpirun gives each rank a terminal that nobody sees
#if defined(CATCH_VERSION_MAJOR) && CATCH_VERSION_MAJOR >= 3
    config.defaultColourMode = Catch::ColourMode::None;
#else
    config.useColour = Catch::UseColour::No;
    config.warnings =
        static_cast<Catch::WarnAbout::What>(config.warnings | Catch::WarnAbout::NoTests);
#endif
    return session.run();
}

}  // namespace

int main(int argc, char** argv) {
    mpar_test::watchdog::start();
    int level = 0, ranks = 1;
    MPI_Comm verdicts = MPI_COMM_NULL;  // apart from the tests' own messages
    {
        mpar_test::leaks_on_purpose start;
        MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
        MPI_Comm_dup(MPI_COMM_WORLD, &verdicts);
    }
    MPI_Comm_rank(verdicts, &rank);
    MPI_Comm_size(verdicts, &ranks);
    mpar_test::watchdog::is_rank(rank, ranks);
    std::streambuf* const out = std::cout.rdbuf();
    silence nothing;
    if (rank != 0) std::cout.rdbuf(&nothing);  // the report is rank 0's

    int failed = run(argc, argv) != 0;
    std::cout.rdbuf(out);

    mpar_test::watchdog::now_in("the common verdict");
    MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, verdicts);
    MPI_Comm_free(&verdicts);
    {
        mpar_test::leaks_on_purpose end;
        MPI_Finalize();
    }
    mpar_test::watchdog::stop();
    return failed;
}
