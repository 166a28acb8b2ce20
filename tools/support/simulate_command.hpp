// SPDX-License-Identifier: MIT
// mpar simulate: nets and matrix products on a described machine, as a table and as JSON.
#pragma once

#include "support/json.hpp"
#include "support/nets.hpp"
#include "support/simulate_options.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/matmul/simulate.hpp>
#include <mpar/net/choose/planner.hpp>
#include <mpar/net/simulate/simulate.hpp>
#include <mpar/shard/cluster_file.hpp>

#include <cmath>
#include <iomanip>
#include <iostream>
#include <optional>
#include <span>
#include <string_view>

namespace tools {

/// Each number of ranks with each policy.
class simulate_command {
public:
    explicit simulate_command(const simulate_options& o) : o_(o) {
        require_sensible(o);
        report_["model"] = o.model;
        report_["scaling"] = o.weak.empty() ? "strong" : "weak " + o.weak;
    }

    /// throws: error(usage), error(input).
    void run() {
        const auto described = machine_on(*std::ranges::max_element(o_.ranks));
        report_["cluster"] = described.name;
        report_["runs"] = nlohmann::ordered_json::array();
        if (o_.model == "matmul") {
            run_products();
        } else {
            run_nets(offer_named(o_.model, "matmul"));
        }
        if (!o_.json.empty()) write_json(report_, o_.json);
        if (o_.json != "-") print_table(described);
    }

private:
    using json = nlohmann::ordered_json;

    /// A machine of one node has as many ranks as are asked for.
    mpar::cluster machine_on(int ranks) const {
        if (!o_.cluster.empty()) return mpar::read_cluster(o_.cluster);
        std::optional<mpar::machine> named;
        if (!o_.machine.empty()) named = mpar::read_machine(o_.machine);
        const mpar::machine m = mpar::machine_for<mpar::backend::cpu>(named);
        return mpar::cluster_of(m, ranks);
    }

    void run_nets(const net_offer& net) {
        for (const auto& policy : o_.policies) {
            for (const int ranks : o_.ranks) run_net(net, policy, ranks);
        }
    }
    void run_net(const net_offer& net, const std::string& policy, int ranks) {
        const auto c = machine_on(ranks);
        const auto s = mpar::setting_on<mpar::backend::cpu, float>(
            {0, ranks, data_axis(ranks)}, o_.weak == "batch" ? o_.batch * ranks : o_.batch, o_.exact);
        mpar::shape image = net.image;
        if (o_.pixels) image.h = image.w = o_.pixels;
        if (o_.weak == "pixels") {
            const double side = std::sqrt(double(image.h) * image.w * ranks);
            image.h = image.w = int(std::lround(side / 32)) * 32;
        }
        const auto l = lowered(net, image, policy, s, c);
        const auto done = simulate(l.view(), s, c);
        const auto most = done.most(), all = done.total();
        report_["runs"].push_back({{"policy", policy},
                                   {"ranks", ranks},
                                   {"ranks_data", s.who.data},
                                   {"batch", s.batch},
                                   {"pixels", image.h},
                                   {"time_ms", done.seconds() * 1e3},
                                   {"compute_ms", done.compute_seconds() * 1e3},
                                   {"bytes_per_rank", most.bytes_received},
                                   {"messages_per_rank", most.messages_received},
                                   {"bytes", all.bytes_received},
                                   {"messages", all.messages_received}});
    }
    int data_axis(int ranks) const {
        const int data = o_.ranks_data    ? o_.ranks_data
                         : o_.ranks_model ? mpar::ceil_div(ranks, o_.ranks_model)
                                          : 1;
        if (ranks % data == 0) return data;
        throw mpar::error(mpar::fault::usage, "mpar: " + std::to_string(ranks) +
                                                  " ranks are no multiple of a data axis of " +
                                                  std::to_string(data));
    }

    static mpar::lowered lowered(const net_offer& net, const mpar::shape& image,
                                 const std::string& policy, const mpar::setting& s,
                                 const mpar::cluster& c) {
        mpar::choice chosen;
        std::vector<mpar::placing> each;
        if (policy == "automatic") {
            each = plan_for(net.net, image, net.given, planning_on(s, c)).each;
            chosen = std::span<const mpar::placing>(each);
        } else if (policy != "own") {
            const auto named = mpar::policy_named(policy);
            if (!named || *named == mpar::policy::follow || *named == mpar::policy::stage) {
                throw mpar::error(mpar::fault::usage, "mpar: there is no policy " + policy +
                                                          " to simulate: see --help");
            }
            chosen = *named;
        }
        auto l = lower(net.net, image, net.given, chosen);
        if (l.wrong) throw mpar::error(mpar::fault::usage, sentence(l.wrong));
        return l;
    }
    /// What the planner sees of a cluster: two kinds of links, each as slow as when all use it.
    static mpar::planning planning_on(const mpar::setting& s, const mpar::cluster& c) {
        mpar::planning how;
        how.on = s;
        how.all = true;
        how.of = c.rank;
        const auto link = [&](const mpar::cluster::level& l, double shared) {
            return mpar::link{l.alpha + 2 * c.overhead, std::max(l.beta, shared) + 2 * c.copy};
        };
        how.of.node = link(c.node, c.node.shared * c.ranks_per_node);
        how.of.network = link(c.group, c.group.shared * c.ranks_per_node);
        how.of.ranks_per_node = c.ranks_per_node;
        return how;
    }

    void run_products() {
        using namespace mpar::matmul;
        for (const auto& name : o_.algorithms) {
            const auto how = algorithm_named(name);
            for (const int ranks : o_.ranks) {
                sizes s{o_.m, o_.n, o_.k};
                if (!o_.weak.empty()) {
                    const double by = std::cbrt(double(ranks));
                    const auto grown = [&](int x) { return int(std::lround(x * by)); };
                    s = {grown(s.m), grown(s.n), grown(s.k)};
                }
                if (how == algorithm::cannon && candidates(s, how, ranks).empty()) continue;
                const auto done = simulate(s, how, ranks, machine_on(ranks));
                const auto& g = done.how.ranks;
                report_["runs"].push_back(
                    {{"policy", name},
                     {"ranks", ranks},
                     {"m", s.m},
                     {"n", s.n},
                     {"k", s.k},
                     {"grid", {g.p, g.q, g.r}},
                     {"time_ms", done.seconds * 1e3},
                     {"compute_ms", done.compute_seconds * 1e3},
                     {"bytes_per_rank", done.bytes},
                     {"messages_per_rank", done.messages},
                     {"lower_bound_bytes_per_rank",
                      std::ceil(lower_bound_words(s, ranks)) * double(sizeof(float))}});
            }
        }
    }
    static mpar::matmul::algorithm algorithm_named(const std::string& name) {
        using mpar::matmul::algorithm;
        for (int a = 0; a <= int(algorithm::automatic); ++a) {
            if (name_of(algorithm(a)) == name) return algorithm(a);
        }
        throw mpar::error(mpar::fault::usage, "mpar: there is no algorithm " + name);
    }

    void print_table(const mpar::cluster& c) const {
        std::cout
            << o_.model << ", " << report_["scaling"].get<std::string>() << ", simulated on \""
            << c.name << "\"\n"
            << "policy       ranks  data    time ms  compute ms   MB a rank  messages a rank\n"
            << std::fixed;
        for (const auto& r : report_["runs"]) {
            std::cout << std::left << std::setw(10) << r["policy"].get<std::string>() << std::right
                      << std::setw(8) << r["ranks"].get<int>() << std::setw(6)
                      << r.value("ranks_data", 1) << std::setprecision(3) << std::setw(11)
                      << r["time_ms"].get<double>() << std::setw(12)
                      << r["compute_ms"].get<double>() << std::setw(12)
                      << r["bytes_per_rank"].get<double>() * 1e-6 << std::setw(17)
                      << r["messages_per_rank"].get<long>() << "\n";
        }
    }

    simulate_options o_;
    json report_;
};

}  // namespace tools
