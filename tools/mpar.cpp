// SPDX-License-Identifier: MIT
// mpar: what concerns no network in particular. mpar calibrate measures a machine. See --help.
#include "support/calibration.hpp"
#include "support/program.hpp"

#include <mpar/shard/machine_file.hpp>

#include <CLI/CLI.hpp>

#include <iostream>

namespace {

using mpar::fault;

struct calibrate_options {
    std::string output;
    double deadline = 300;
};

int calibrate(const calibrate_options& o, int rank) {
    if (!(o.deadline > 0))
        throw mpar::error(fault::usage, "mpar: --deadline is more than 0 seconds");
    mpar::communicator comm(MPI_COMM_WORLD, mpar::seconds(o.deadline));
    const mpar::machine found = tools::calibration(comm).run();
    mpar::agree(comm, [&] {
        if (rank != 0) return;
        if (comm.size() == 1) {
            std::cerr << "mpar: note: messages need two ranks to be measured (mpirun -n 2): their "
                         "constants are the defaults\n";
        }
        if (!o.output.empty() && o.output != "-") {
            mpar::write_machine(o.output, found);
        } else if (!(std::cout << to_json(found)).flush()) {
            throw mpar::error(fault::input, "mpar: standard output cannot be written");
        }
    });
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return tools::run(argc, argv, [&](int rank) {
        CLI::App app("What concerns no network in particular.", "mpar");
        app.set_version_flag("--version", tools::version());
        app.require_subcommand(1);
        calibrate_options o;
        auto* const measures = app.add_subcommand(
            "calibrate",
            "Measures what work and messages cost on this machine, in a few seconds: for "
            "--policy automatic. On several ranks all compute at once, and messages are measured.");
        measures
            ->add_option("--output,--json", o.output,
                         "file to write the constants to; none or -: standard output")
            ->envname("MPAR_MACHINE");
        measures
            ->add_option("--deadline", o.deadline, "seconds that a wait on another rank may last")
            ->capture_default_str();
        try {
            app.parse(argc, argv);
        } catch (const CLI::Success& e) {  // --help, --version
            return rank == 0 ? app.exit(e) : 0;
        } catch (const CLI::ParseError& e) {
            throw mpar::error(fault::usage, std::string("mpar: ") + e.what());
        }
        return calibrate(o, rank);
    });
}
