// SPDX-License-Identifier: MIT
// matmul_scaling: a matrix product sharded over the ranks of the job, timed and counted. See --help.
#include "measure/fma.hpp"
#include "support/json.hpp"
#include "support/matmul_options.hpp"
#include "support/matmul_work.hpp"
#include "support/program.hpp"
#include "support/samples.hpp"

#include <mpar/comm/all_gather.hpp>

#include <iomanip>

namespace {

using mpar::fault;
using mpar::matmul::plan;
using tools::matmul_options;

struct matmul_report {
    matmul_options asked;
    plan chosen;
    tools::samples milliseconds;
    std::string team;
    double peak = 0;                               ///< GFLOP/s of all ranks together, in registers
    double max_error = 0;                          ///< of the greatest element
    std::vector<long> bytes, messages, predicted;  ///< received in one product, by rank
    long lower_bound = 0;

    double gflops() const { return chosen.of.flops() / milliseconds.min() * 1e-6; }
    long most_bytes() const { return *std::ranges::max_element(bytes); }
};

nlohmann::ordered_json to_json(const matmul_report& r) {
    nlohmann::ordered_json j;
    j["m"] = r.chosen.of.m;
    j["n"] = r.chosen.of.n;
    j["k"] = r.chosen.of.k;
    j["ranks"] = r.chosen.ranks.ranks();
    j["algorithm"] = name_of(r.chosen.how);
    j["asked"] = r.asked.algorithm;
    j["grid"] = {r.chosen.ranks.p, r.chosen.ranks.q, r.chosen.ranks.r};
    j["team"] = r.team;
    j["isa"] = MPAR_ISA;
    j["gflops"] = r.gflops();
    j["time_ms"] = {{"min", r.milliseconds.min()},
                    {"median", r.milliseconds.quantile(0.5)},
                    {"p10", r.milliseconds.quantile(0.1)},
                    {"n", r.milliseconds.count()}};
    j["bytes_per_rank"] = r.most_bytes();
    j["lower_bound_bytes_per_rank"] = r.lower_bound;
    j["bytes_by_rank"] = r.bytes;
    j["predicted_bytes_by_rank"] = r.predicted;
    j["messages_by_rank"] = r.messages;
    j["peak_gflops"] = r.peak;
    j["peak_fraction"] = r.gflops() / r.peak;
    j["max_error"] = r.max_error;
    return j;
}

void print_table(const matmul_report& r, std::ostream& out) {
    const auto& g = r.chosen.ranks;
    out << std::fixed << std::setprecision(3) << r.chosen.of.m << " x " << r.chosen.of.n << " x "
        << r.chosen.of.k << " on " << g.ranks() << " ranks, " << name_of(r.chosen.how) << " " << g.p
        << " x " << g.q << " x " << g.r << ", team " << r.team << "\n"
        << "  min " << r.milliseconds.min() << " ms, median " << r.milliseconds.quantile(0.5)
        << " ms, " << r.milliseconds.count() << " products\n"
        << std::setprecision(1) << "  " << r.gflops() << " GFLOP/s, " << 100 * r.gflops() / r.peak
        << " % of the " << r.peak << " that registers give\n"
        << "  " << r.most_bytes() << " bytes a rank, at least " << r.lower_bound << "\n"
        << std::scientific << std::setprecision(2) << "  greatest error " << r.max_error
        << " of the greatest element\n";
}

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

/// Of all ranks at the same time.
double peak(mpar::communicator& comm) {
    mpar::all_reduce(comm, 0, MPI_SUM);
    const long mine = long(bench::fma_loop::gigaflops() * 1e6);
    return double(mpar::all_reduce(comm, mine, MPI_SUM)) * 1e-6;
}

/// One product, its messages counted. In a team's memory nothing is sent: what a rank reads of the
/// others' panels and sums is then the plan's count.
void count(matmul_report& r, mpar::communicator& comm, tools::matmul_work& work, bool is_team) {
    const auto before = comm.counted();
    work.run();
    const auto after = comm.counted();
    const auto at = place_of(r.chosen.ranks, comm.rank());
    const long word = sizeof(float), predicted = words_received(r.chosen, at) * word;
    r.predicted = all_gather(comm, predicted);
    r.bytes =
        is_team ? r.predicted : all_gather(comm, after.bytes_received - before.bytes_received);
    r.messages = all_gather(comm, after.messages_received - before.messages_received);
    r.lower_bound =
        long(std::ceil(mpar::matmul::lower_bound_words(r.chosen.of, comm.size()))) * word;
}

void check(matmul_report& r, mpar::communicator& comm, const tools::matmul_work& work) {
    const auto d = work.check();
    const auto most = [&](double x) {  // a NaN is greater than any number
        const double capped = x < 1e6 ? x : 1e6;
        return double(mpar::all_reduce(comm, long(capped * 1e12), MPI_MAX)) * 1e-12;
    };
    const double greatest = most(d.greatest), of = most(d.of);
    r.max_error = of > 0 ? greatest / of : greatest;
    // roundings add up like the square root of their number
    const double limit = 1e-5 * std::max(1.0, std::sqrt(r.chosen.of.k / 1000.0));
    mpar::agree(comm, [&] {
        if (r.max_error <= limit) return;
        throw mpar::error(fault::numbers, "mpar: the product is off by " +
                                              std::to_string(r.max_error) +
                                              " of its greatest element");
    });
}

int scale(const matmul_options& o) {
    require_sensible(o);
    mpar::communicator comm(MPI_COMM_WORLD, mpar::seconds(o.deadline));
    matmul_report r;
    r.asked = o;
    r.chosen = o.plan(comm.size());
    tools::matmul_house house(comm, o.team != "off", r.chosen);
    if (comm.rank() == 0 && !house.note().empty()) {
        std::cerr << "mpar: note: " + house.note() + "\n";
    }
    r.team = house.is_team() ? name_of(*mpar::teaming_named(o.team)) : "off";
    tools::matmul_work work(comm, house, r.chosen);
    count(r, comm, work, house.is_team());
    check(r, comm, work);
    r.peak = peak(comm);
    for (int i = 0; i < o.repeat; ++i) r.milliseconds.add(work.timed_run(now) * 1e3);
    r.peak = std::max(r.peak, peak(comm));
    mpar::agree(comm, [&] {
        if (comm.rank() != 0) return;
        if (!o.json.empty()) tools::write_json(to_json(r), o.json);
        if (o.json != "-") print_table(r, std::cout);
    });
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return tools::run(argc, argv, [&](int rank) {
        CLI::App app("Times a matrix product sharded over the ranks of an MPI job: C = A B.",
                     "matmul_scaling");
        app.set_version_flag("--version", tools::version());
        matmul_options o;
        declare(app, o);
        try {
            app.parse(argc, argv);
        } catch (const CLI::Success& e) {  // --help, --version
            return rank == 0 ? app.exit(e) : 0;
        } catch (const CLI::ParseError& e) {
            throw mpar::error(fault::usage, std::string("mpar: ") + e.what());
        }
        return scale(o);
    });
}
