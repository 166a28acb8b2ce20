// SPDX-License-Identifier: MIT
// What mpar simulate is asked for on its command line. Simulates nothing.
#pragma once

#include <mpar/core/error.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace tools {

struct simulate_options {
    std::string model = "resnet50", cluster, machine, weak, json;
    std::vector<std::string> policies{"rows", "output", "automatic"};
    std::vector<std::string> algorithms{"column", "row", "summa", "grid3d"};
    std::vector<int> ranks{1, 2, 4, 8, 16};
    int pixels = 0, batch = 1, ranks_data = 0, ranks_model = 0, m = 8192, n = 8192, k = 8192;
    bool exact = false, strong = false;
    CLI::App* command = nullptr;

    bool is_asked() const { return command && command->parsed(); }
};

/// Declares the subcommand with its options' places in `o`.
inline void declare_simulate(CLI::App& app, simulate_options& o) {
    auto& s = *app.add_subcommand(
        "simulate",
        "Runs a net's plan, or a matrix product, on the ranks of a machine that is only described: "
        "every message, by arithmetic. Nothing is measured.");
    o.command = &s;
    s.add_option("--model", o.model, "as classify has them, or matmul")->capture_default_str();
    s.add_option("--policy", o.policies,
                 "one or several, with commas, of own none batch rows cols tiles output input grid "
                 "automatic; own: the layers' own")
        ->delimiter(',')
        ->capture_default_str();
    s.add_option("--ranks", o.ranks, "numbers of ranks, with commas, up to 65536")
        ->delimiter(',')
        ->capture_default_str();
    s.add_option("--pixels", o.pixels,
                 "rows and columns of an image; 0: as many as the model takes")
        ->capture_default_str();
    s.add_option("--batch", o.batch, "images in one forward")->capture_default_str();
    s.add_option("--ranks-data", o.ranks_data,
                 "ranks of the data axis; 0: 1, or as --ranks-model says")
        ->capture_default_str();
    s.add_option("--ranks-model", o.ranks_model,
                 "ranks of the model axis at most: more ranks make a data axis; 0: any number")
        ->capture_default_str();
    s.add_option("--cluster", o.cluster, "file that describes the machine: docs/scaling.md");
    s.add_option("--machine", o.machine,
                 "or a file of mpar calibrate: one machine, all ranks on it");
    auto* const strong =
        s.add_flag("--strong", o.strong, "the same work for all numbers of ranks (the default)");
    s.add_option(
         "--weak", o.weak,
         "work grows with the ranks: batch (--batch images a rank), pixels (as many of them as "
         "--pixels squared a rank), or, of matmul, work (--m --n --k of one rank)")
        ->excludes(strong);
    s.add_option("--algorithm", o.algorithms,
                 "of matmul, one or several of column row summa cannon grid3d automatic")
        ->delimiter(',')
        ->capture_default_str();
    s.add_option("--m", o.m, "rows of A and C")->capture_default_str();
    s.add_option("--n", o.n, "columns of B and C")->capture_default_str();
    s.add_option("--k", o.k, "columns of A, rows of B")->capture_default_str();
    s.add_flag("--exact", o.exact, "convolutions by their sums, not by Winograd's filtering");
    s.add_option("--json", o.json, "file to write the report to; - is standard output");
}

/// What no combination of options may be. throws: error(usage).
inline void require_sensible(const simulate_options& o) {
    const auto refuse = [](const std::string& words) {
        throw mpar::error(mpar::fault::usage, "mpar: " + words);
    };
    const auto within = [&](int value, int least, int most, const char* name) {
        if (value >= least && value <= most) return;
        refuse(std::string(name) + " is from " + std::to_string(least) + " to " +
               std::to_string(most) + ", not " + std::to_string(value));
    };
    for (const int r : o.ranks) within(r, 1, 65536, "--ranks");
    within(o.batch, 1, 4096, "--batch");
    within(o.pixels, 0, 16384, "--pixels");
    within(o.ranks_data, 0, 65536, "--ranks-data");
    within(o.ranks_model, 0, 65536, "--ranks-model");
    for (const int extent : {o.m, o.n, o.k}) within(extent, 1, 1 << 20, "each of --m, --n and --k");
    const bool is_product = o.model == "matmul";
    if (!o.weak.empty() && o.weak != (is_product ? "work" : "batch") &&
        (is_product || o.weak != "pixels")) {
        refuse("--weak is " + std::string(is_product ? "work" : "batch or pixels") + ", not " +
               o.weak);
    }
    if (!o.cluster.empty() && !o.machine.empty())
        refuse("--cluster and --machine exclude each other");
    if (o.ranks_data && o.ranks_model) refuse("--ranks-data and --ranks-model exclude each other");
}

}  // namespace tools
