// SPDX-License-Identifier: MIT
// peer_forward: one network that sleeps until it is told to run, so that others can be timed between
// its forwards. benchmarks/peers/contestants.py speaks with it; see --help.
#include "measure/fma.hpp"
#include "support/model.hpp"
#include "support/program.hpp"

#include <mpar/comm/all_gather.hpp>
#include <mpar/comm/all_reduce.hpp>

#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

using mpar::fault;
using clock_type = std::chrono::steady_clock;

struct peer_options {
    std::string model = "resnet50", weights = "seeded", policy = "automatic", team = "off";
    std::string cache, channels, logits;
    int batch = 1, threads = 1;
    bool exact = false;

    mpar::options network() const {
        mpar::options o;
        o.batch = batch;
        o.exact = exact;
        o.threads = threads;
        if (policy != "automatic") {
            o.asked = mpar::policy_named(policy);
            if (!o.asked) refuse("there is no policy " + policy);
        }
        if (team != "off" && team != "claim") refuse("there is no team " + team);
        o.team = team == "claim" ? mpar::teaming::claim : mpar::teaming::off;
        return o;
    }

private:
    [[noreturn]] static void refuse(const std::string& words) {
        throw mpar::error(fault::usage, "mpar: " + words);
    }
};

void declare(CLI::App& app, peer_options& o) {
    app.add_option("--model", o.model,
                   "a network's name, or 'fma': multiply-adds in registers, 4 GFLOP on all ranks")
        ->capture_default_str();
    app.add_option("--weights", o.weights, "a file, or 'seeded'")->capture_default_str();
    app.add_option("--cache", o.cache,
                   "folder that keeps packed weights from one start to the next");
    app.add_option("--policy", o.policy, "as classify's")->capture_default_str();
    app.add_option("--team", o.team, "off, claim")->capture_default_str();
    app.add_option("--batch", o.batch, "images in one forward")->capture_default_str();
    app.add_option("--threads", o.threads, "of each rank")->capture_default_str();
    app.add_flag("--exact", o.exact, "no Winograd");
    app.add_option(
        "--channels", o.channels,
        "folder of pipes: rank r reads its orders from orders.r, rank 0 writes to answers. "
        "Orders: 'run N', 'logits FILE' (raw floats), 'quit'");
    app.add_option("--logits", o.logits, "without --channels: where the only forward's logits go");
}

long nanoseconds_since(clock_type::time_point began) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(clock_type::now() - began).count();
}

/// What is timed: a network's forward of a seeded batch, or multiply-adds alone.
class contestant {
public:
    explicit contestant(const peer_options& o) : comm_(MPI_COMM_WORLD, mpar::seconds(300)) {
        if (o.model == "fma") return;
        net_ = tools::make_model(o.model, "cpu", MPI_COMM_WORLD, o.network());
        net_->load(o.weights, {o.cache});
        const mpar::shape in = net_->mine().tensors.front().owned.extents();
        const std::int64_t extents[] = {in.n, in.c, in.h, in.w};
        x_ = mpar::io::seeded_values<float>("input", extents);
        in_ = in;
        out_ = {o.batch, net_->steps().output().extents.c, 1, 1};
        y_.resize(std::size_t(out_.count()));
    }

    void forward() {
        if (net_) {
            net_->forward(mpar::dense_view(std::as_const(x_).data(), in_),
                          mpar::dense_view(y_.data(), out_));
        } else {
            bench::fma_loop::run(4'000'000'000 / bench::fma_loop::flops_per_turn / comm_.size());
        }
    }

    /// Nanoseconds of `count` forwards that all ranks begin together, of the slowest rank.
    std::vector<long> timed(int count) {
        std::vector<long> took;
        for (int i = 0; i < count; ++i) {
            MPI_Barrier(MPI_COMM_WORLD);
            const auto began = clock_type::now();
            forward();
            took.push_back(nanoseconds_since(began));
        }
        MPI_Allreduce(MPI_IN_PLACE, took.data(), count, MPI_LONG, MPI_MAX, MPI_COMM_WORLD);
        return took;
    }

    std::vector<long> pids() { return mpar::all_gather(comm_, long(getpid())); }

    void write_logits(const std::string& path) const {
        std::ofstream file(path, std::ios::binary);
        file.write(reinterpret_cast<const char*>(y_.data()),
                   std::streamsize(y_.size() * sizeof(float)));
        if (!file.flush()) throw mpar::error(fault::input, "mpar: " + path + ": cannot be written");
    }

private:
    mpar::communicator comm_;
    std::unique_ptr<tools::model> net_;
    mpar::shape in_, out_;
    std::vector<float> x_, y_;
};

/// Reads orders until 'quit' or the pipe's end; a rank that waits for one sleeps.
/// `moments`: what the controller wants to know first.
void obey(contestant& c, const std::string& folder, int rank, const std::vector<long>& moments) {
    std::ifstream orders(folder + "/orders." + std::to_string(rank));
    std::ofstream answers;
    if (rank == 0) answers.open(folder + "/answers");
    if (!orders || (rank == 0 && !answers))
        throw mpar::error(fault::input, "mpar: " + folder + ": no pipes there");
    const auto pids = c.pids();
    const auto say = [&](const std::vector<long>& numbers) {
        if (rank != 0) return;
        for (const long n : numbers) answers << n << ' ';
        answers << std::endl;
    };
    say(moments);
    say(pids);
    for (std::string line; std::getline(orders, line);) {
        std::istringstream words(line);
        std::string what, path;
        int count = 0;
        words >> what;
        if (what == "quit") return;
        if (what == "run" && words >> count && count > 0) {
            say(c.timed(count));
        } else if (what == "logits" && words >> path) {
            if (rank == 0) c.write_logits(path);
            say(std::vector<long>{0});
        } else {
            throw mpar::error(fault::usage, "mpar: '" + line + "' is no order");
        }
    }
}

int peer_forward(const peer_options& o, int rank) {
    // when MPI was there, weights were, the first logits: on the clock that a node's processes share
    std::vector<long> moments{nanoseconds_since({})};
    contestant c(o);
    moments.push_back(nanoseconds_since({}));
    c.forward();
    moments.push_back(nanoseconds_since({}));
    if (o.channels.empty()) {
        if (rank == 0 && !o.logits.empty()) c.write_logits(o.logits);
        return 0;
    }
    obey(c, o.channels, rank, moments);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return tools::run(argc, argv, [&](int rank) {
        CLI::App app("Runs a network's forward whenever it is told to, and sleeps in between.",
                     "peer_forward");
        app.set_version_flag("--version", tools::version());
        peer_options o;
        declare(app, o);
        try {
            app.parse(argc, argv);
        } catch (const CLI::Success& e) {
            return rank == 0 ? app.exit(e) : 0;
        } catch (const CLI::ParseError& e) {
            throw mpar::error(fault::usage, std::string("mpar: ") + e.what());
        }
        return peer_forward(o, rank);
    });
}
