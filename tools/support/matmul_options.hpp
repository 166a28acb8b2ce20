// SPDX-License-Identifier: MIT
// What matmul_scaling is asked for on its command line. Multiplies nothing.
#pragma once

#include <mpar/comm/team.hpp>
#include <mpar/core/error.hpp>
#include <mpar/matmul/choose.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

namespace tools {

struct matmul_options {
    int m = 2048, n = 2048, k = 2048, repeat = 20;
    std::string algorithm = "automatic", grid, team = "static", json;
    double deadline = 300;

    /// throws: error(usage).
    mpar::matmul::plan plan(int ranks) const {
        using namespace mpar::matmul;
        const enum algorithm how = named();
        if (grid.empty()) return choose({m, n, k}, how, ranks);
        mpar::matmul::grid g;
        char more = 0;
        if (std::sscanf(grid.c_str(), "%dx%dx%d%c", &g.p, &g.q, &g.r, &more) != 3 || g.p < 1 ||
            g.q < 1 || g.r < 1 || long(g.p) * g.q * g.r != ranks) {
            throw mpar::error(mpar::fault::usage,
                              "mpar: --grid is PxQxR with P*Q*R = " + std::to_string(ranks) +
                                  " ranks, not " + grid);
        }
        return on_grid({m, n, k}, how, g);
    }

    mpar::matmul::algorithm named() const {
        using mpar::matmul::algorithm;
        for (const auto a : {algorithm::automatic, algorithm::column, algorithm::row,
                             algorithm::summa, algorithm::cannon, algorithm::grid3d}) {
            if (name_of(a) == this->algorithm) return a;
        }
        throw mpar::error(mpar::fault::usage, "mpar: there is no algorithm " + this->algorithm +
                                                  "; there are automatic column row summa cannon "
                                                  "grid3d");
    }
};

/// Declares every option of `app` with its place in `o`.
inline void declare(CLI::App& app, matmul_options& o) {
    app.add_option("--m", o.m, "rows of A and C")->capture_default_str();
    app.add_option("--n", o.n, "columns of B and C")->capture_default_str();
    app.add_option("--k", o.k, "columns of A, rows of B")->capture_default_str();
    app.add_option("--algorithm", o.algorithm, "automatic, column, row, summa, cannon, grid3d")
        ->capture_default_str();
    app.add_option("--grid", o.grid, "PxQxR in place of the grid that the algorithm would choose");
    app.add_option("--team", o.team,
                   "static (or fixed), claim: ranks of a node read each other's panels where they "
                   "lie, each "
                   "computes its own part; off: panels travel as messages")
        ->capture_default_str();
    app.add_option("--repeat", o.repeat, "timed products after the first")->capture_default_str();
    app.add_option("--json", o.json, "file to write the report to; - is standard output");
    app.add_option("--deadline", o.deadline, "seconds that a wait on another rank may last")
        ->capture_default_str();
}

/// What no combination of options may be. throws: error(usage).
inline void require_sensible(const matmul_options& o) {
    const auto refuse = [](const std::string& words) {
        throw mpar::error(mpar::fault::usage, "mpar: " + words);
    };
    if (o.m < 1 || o.n < 1 || o.k < 1) refuse("--m, --n and --k are at least 1");
    if (o.repeat < 1) refuse("--repeat is at least 1");
    if (!mpar::teaming_named(o.team)) refuse("there is no team " + o.team);
    if (!(o.deadline > 0)) refuse("--deadline is more than 0 seconds");
    o.named();
}

}  // namespace tools
