// SPDX-License-Identifier: MIT
// Measures a machine's constants: kernels of two networks on every rank at once, messages between
// pairs of ranks. Knows no file.
#pragma once

#include "support/fit.hpp"
#include "support/step_clock.hpp"

#include <mpar/comm/messages.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>
#include <mpar/net/cost.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

namespace tools {

class calibration {
public:
    using backend = mpar::backend::cpu;

    /// collective over `comm`, as is all that follows.
    explicit calibration(mpar::communicator& comm) : comm_(comm) {}

    mpar::machine run() {
        measure<mpar::resnet50>();
        measure<mpar::efficientnet_lite0>();
        for (int w = 0; w < mpar::work_count; ++w) {
            const auto r = fit_rates(kernels_[std::size_t(w)]);
            found_.of(mpar::work(w)) = {of_all(r[0]), of_all(r[1]), of_all(r[2])};
        }
        found_.step = of_all(rest_ > 0 ? rest_ / steps_ : 0);
        measure_messages();
        return found_;
    }

private:
    using clock = std::chrono::steady_clock;
    static double since(clock::time_point began) {
        return std::chrono::duration<double>(clock::now() - began).count();
    }

    /// The mean over all ranks.
    double of_all(double x) const {
        constexpr double unit = 1e-18;
        return double(mpar::all_reduce(comm_, long(x / unit), MPI_SUM)) * unit / comm_.size();
    }

    /// Forwards of a network that each rank computes for itself, all at the same time.
    template <class Net>
    void measure() {
        constexpr int forwards = 8;
        const mpar::lowered l =
            lower(mpar::tape_of<Net>, Net::input::extents, Net::input::given, mpar::policy::none);
        const mpar::plan plan = l.view();
        mpar::options how;
        how.team = mpar::teaming::off;
        mpar::engine<backend, float> engine(mpar::communicator(MPI_COMM_SELF, comm_.deadline()),
                                            plan, how);
        engine.load(mpar::seeded_reader<float>(plan, {}));
        const std::vector<float> x(std::size_t(plan.input().extents.count()), 0.5f);
        std::vector<float> y(std::size_t(engine.output_shape().count()));

        step_clock<backend, float> clock_of(plan);
        std::vector<double> least(plan.steps.size(), 1e9);
        double rest = 1e9;  // of a forward outside kernels
        for (int i = 0; i < forwards; ++i) {
            mpar::all_reduce(comm_, 0, MPI_SUM);
            clock_of.reset();
            const auto began = clock::now();
            engine.forward(mpar::dense_view(x.data(), plan.input().extents),
                           mpar::dense_view(y.data(), engine.output_shape()), clock_of.functions());
            double outside = since(began);
            for (std::size_t s = 0; s < least.size(); ++s) {
                least[s] = std::min(least[s], clock_of.seconds(s));
                outside -= clock_of.seconds(s);
            }
            rest = std::min(rest, outside);
        }
        const mpar::costs costs(plan, engine.mine().of, found_);
        for (std::size_t s = 0; s < least.size(); ++s) {
            const mpar::workload w = costs.work_of(int(s), 0);
            if (w.empty()) continue;
            kernels_[std::size_t(w.kind)].push_back(
                {{double(w.flops), double(w.tensor_bytes), double(w.weight_bytes)}, least[s]});
            ++steps_;
        }
        rest_ += rest;
    }

    /// Both ranks of a pair send and receive at once, as in an exchange: what is sent is copied from
    /// a tensor before, what has come into one after.
    void measure_messages() {
        const mpar::team node(comm_, mpar::teaming::fixed);
        const int here = node.members();
        found_.ranks_per_node = int(mpar::all_reduce(comm_, here, MPI_MIN));
        const int rank = comm_.rank(), size = comm_.size();
        const auto pair_up = [&](int peer, mpar::link& result) {
            const bool has = peer >= 0 && peer < size;
            const auto line = has ? measured_link(peer) : std::array<double, 2>{};
            const long pairs = mpar::all_reduce(comm_, has, MPI_SUM);
            if (pairs == 0) return;
            const double of = double(size) / double(pairs);  // of_all() divides by all
            result = {of_all(line[0]) * of, of_all(line[1]) * of};
        };
        if (found_.ranks_per_node > 1) pair_up(rank ^ 1, found_.node);
        if (here < size)
            pair_up(rank < size / 2 ? rank + size / 2 : rank - size / 2, found_.network);
        if (found_.ranks_per_node == size) found_.ranks_per_node = 0;
    }
    std::array<double, 2> measured_link(int peer) {
        std::vector<measurement<2>> all;
        for (const long bytes : {256L, 4096L, 32768L, 262144L, 1048576L}) {
            // as an engine's: whole pages, huge ones where they are large
            const mpar::buffer<std::byte> from{std::size_t(bytes)}, out{std::size_t(bytes)},
                in{std::size_t(bytes)}, to{std::size_t(bytes)};
            std::memset(from.data(), 1, from.size());
            mpar::messages both(comm_, 1);
            both.receive(in.data(), bytes, peer);
            both.send(out.data(), bytes, peer);
            constexpr int rounds = 8, times = 8;  // one alone may find its message there already
            double least = 1e9;
            for (int i = 0; i < rounds; ++i) {
                const auto began = clock::now();
                for (int k = 0; k < times; ++k) {
                    std::memcpy(out.data(), from.data(), from.size());
                    both.start();
                    both.wait([] { return std::string("calibration of messages"); });
                    std::memcpy(to.data(), in.data(), in.size());
                }
                least = std::min(least, since(began) / times);
            }
            all.push_back({{1, double(bytes)}, least});
        }
        return fit_rates(all);
    }

    mpar::communicator& comm_;
    mpar::machine found_;
    std::array<std::vector<measurement<3>>, mpar::work_count> kernels_;
    double rest_ = 0;  ///< seconds outside kernels
    int steps_ = 0;
};

}  // namespace tools
