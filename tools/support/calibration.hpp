// SPDX-License-Identifier: MIT
// Measures a machine's constants: kernels of three networks on every rank at once, messages between
// pairs of ranks. Knows no file.
#pragma once

#include "support/fit.hpp"
#include "support/step_clock.hpp"

#include <mpar/comm/messages.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>
#include <mpar/net/choose/cost.hpp>

#include <algorithm>
#include <array>
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
        for (const int parts : {1, 2}) {
            measure<mpar::resnet50>(parts);
            measure<mpar::densenet121>(parts);
            measure<mpar::efficientnet_lite0>(parts);
        }
        for (int w = 0; w < mpar::work_count; ++w) {
            const auto r = fit_rates(kernels_[std::size_t(w)]);
            found_.of(mpar::work(w)) = {r[0], r[1], r[2]};
        }
        // A core that has no use for pairs computes none.
        if (kernels_[std::size_t(mpar::work::paired)].empty()) {
            found_.of(mpar::work::paired) = found_.of(mpar::work::pointwise);
        }
        found_.step = rest_ > 0 ? rest_ / steps_ : 0;
        measure_messages();
        return found_;
    }

private:
    using clock = std::chrono::steady_clock;
    static constexpr double unit = 1e-15;  ///< seconds, of which numbers are sums
    static double since(clock::time_point began) {
        return std::chrono::duration<double>(clock::now() - began).count();
    }

    /// What is usual: the least times of all steps together are less than a forward ever takes.
    static double median(std::vector<double> values) {
        const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        return *middle;
    }
    /// The mean over all ranks.
    double of_all(double x) const {
        return double(mpar::all_reduce(comm_, long(x / unit), MPI_SUM)) * unit / comm_.size();
    }
    /// Whom the others wait for.
    double of_slowest(double x) const {
        return double(mpar::all_reduce(comm_, long(x / unit), MPI_MAX)) * unit;
    }

    /// Forwards of a network that each rank computes for itself, all at the same time: of an image of
    /// 1/parts of the rows, as weights weigh more where a rank has fewer pixels.
    template <class Net>
    void measure(int parts) {
        constexpr int forwards = 9;
        mpar::shape image = Net::input::extents;
        image.h /= parts;
        const mpar::lowered l =
            lower(mpar::graph_of<Net>, image, Net::input::given, mpar::policy::none);
        const mpar::plan plan = l.view();
        mpar::options how;
        how.team = mpar::teaming::off;
        mpar::engine<backend, float> engine(mpar::communicator(MPI_COMM_SELF, comm_.deadline()),
                                            plan, how);
        engine.load(mpar::seeded_reader<float>(plan, {}));
        const std::vector<float> x(std::size_t(plan.input().extents.count()), 0.5f);
        std::vector<float> y(std::size_t(engine.output_shape().count()));

        step_clock<backend, float> clock_of(plan);
        std::vector<std::vector<double>> took(plan.steps.size());
        std::vector<double> rest;  // of a forward outside kernels
        for (int i = 0; i < forwards; ++i) {
            mpar::all_reduce(comm_, 0, MPI_SUM);
            clock_of.reset();
            const auto began = clock::now();
            engine.forward(mpar::dense_view(x.data(), plan.input().extents),
                           mpar::dense_view(y.data(), engine.output_shape()), clock_of.functions());
            double outside = since(began);
            for (std::size_t s = 0; s < took.size(); ++s) {
                took[s].push_back(clock_of.seconds(s));
                outside -= clock_of.seconds(s);
            }
            rest.push_back(outside);
        }
        const mpar::costs costs(plan, engine.mine().of, found_);
        for (std::size_t s = 0; s < took.size(); ++s) {
            const mpar::workload w = costs.work_of(int(s), 0);
            if (w.empty()) continue;
            const std::array units{double(w.flops), double(w.tensor_bytes), double(w.weight_bytes)};
            kernels_[std::size_t(w.kind)].push_back({units, of_slowest(median(took[s]))});
            ++steps_;
        }
        rest_ += of_slowest(median(rest));
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
            // as an engine's: whole pages, huge ones where they are large; tensors lie now here, now there
            constexpr std::size_t room = std::size_t(8) << 20;
            const mpar::buffer<std::byte> from{room}, to{room}, out{std::size_t(bytes)},
                in{std::size_t(bytes)};
            std::memset(from.data(), 1, room);
            std::memset(to.data(), 1, room);
            mpar::messages both(comm_, 1);
            both.receive(in.data(), bytes, peer);
            both.send(out.data(), bytes, peer);
            constexpr int rounds = 9, times = 8;  // one alone may find its message there already
            std::vector<double> took;
            for (int i = 0; i < rounds; ++i) {
                const auto began = clock::now();
                for (int k = 0; k < times; ++k) {
                    const std::size_t at = std::size_t(i * times + k) * out.size() % room;
                    std::memcpy(out.data(), from.data() + at, out.size());
                    both.start();
                    both.wait([] { return std::string("calibration of messages"); });
                    std::memcpy(to.data() + at, in.data(), in.size());
                }
                took.push_back(since(began) / times);
            }
            all.push_back({{1, double(bytes)}, median(took)});
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
