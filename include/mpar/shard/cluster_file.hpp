// SPDX-License-Identifier: MIT
// A cluster as a JSON file. Knows no plan.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/shard/cluster.hpp>
#include <mpar/shard/machine_file.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace mpar {

namespace detail {

/// Visits every number of seconds of a cluster with its place in the file: {"group", "alpha"}.
template <class Cluster, class Visit>
void each_second(Cluster& c, Visit visit) {
    using path = std::vector<std::string>;
    visit(path{"overhead"}, c.overhead);
    visit(path{"copy"}, c.copy);
    const auto add = [&](const std::string& name, auto& level) {
        visit(path{name, "alpha"}, level.alpha);
        visit(path{name, "beta"}, level.beta);
        visit(path{name, "shared"}, level.shared);
    };
    add("node", c.node);
    add("group", c.group);
    add("whole", c.whole);
    each_constant(c.rank, [&](const path& where, auto& value) {
        if (where.front() == "work" || where.front() == "step") visit(where, value);
    });
}

}  // namespace detail

/// Writes a cluster: seconds a message, a byte, a flop and a step. cluster.hpp says what each level
/// has.
inline std::string to_json(const cluster& c) {
    nlohmann::ordered_json j;
    j["mpar_cluster"] = 1;
    j["name"] = c.name;
    j["ranks_per_node"] = c.ranks_per_node;
    j["nodes_per_group"] = c.nodes_per_group;
    detail::each_second(c, [&](const std::vector<std::string>& where, double value) {
        nlohmann::ordered_json* at = &j;
        for (const auto& part : where) at = &(*at)[part];
        *at = value;
    });
    return j.dump(2) + "\n";
}

/// requires: what to_json() gives. throws: error(usage), one sentence that begins with the path, when
/// a number is missing, cannot be or is not known, or the file cannot be read.
inline cluster read_cluster(const std::string& path) {
    detail::constants_file file(path, "cluster", "docs/scaling.md shows one");
    cluster c;
    const auto& name = file.at({"name"});
    if (!name.is_string()) file.refuse("name is no text");
    c.name = io::printable(name.get<std::string>(), 100);
    c.ranks_per_node = file.count("ranks_per_node", 1, "number from 1 to 1000000");
    c.nodes_per_group = file.count("nodes_per_group", 1, "number from 1 to 1000000");
    if (long(c.ranks_per_node) * c.nodes_per_group > 1'000'000) {
        file.refuse("has more than 1000000 ranks below a switch");
    }
    detail::each_second(c, [&](const std::vector<std::string>& where, double& value) {
        value = file.seconds(where);
    });
    file.end("numbers");
    return c;
}

}  // namespace mpar
