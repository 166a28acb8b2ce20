// SPDX-License-Identifier: MIT
// A cluster as a JSON file. Knows no plan.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/shard/cluster.hpp>
#include <mpar/shard/machine_file.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
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

/// Seconds a message, a byte, a flop, a step; what is on which level: cluster.hpp.
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
    constexpr std::size_t largest = 1 << 16;
    const io::refusal refuse(fault::usage, path);
    const auto bytes = io::read_file(path, largest, fault::usage);
    const auto* const text = reinterpret_cast<const char*>(bytes.data());
    const auto j = nlohmann::json::parse(text, text + bytes.size(), nullptr, false);
    if (!j.is_object() || !j.contains("mpar_cluster")) {
        refuse("is no cluster file: docs/scaling.md shows one");
    }
    if (j["mpar_cluster"] != 1) refuse("is a cluster file of another version than 1");
    const auto find = [&](const std::vector<std::string>& where) {
        const nlohmann::json* at = &j;
        for (const auto& part : where) {
            if (!at->is_object() || !at->contains(part)) refuse("has no " + detail::dotted(where));
            at = &(*at)[part];
        }
        return at;
    };
    cluster c;
    const auto* const name = find({"name"});
    if (!name->is_string()) refuse("name is no text");
    c.name = io::printable(name->get<std::string>(), 100);
    std::size_t known = 4;
    for (auto [key, count] : {std::pair{"ranks_per_node", &c.ranks_per_node},
                              std::pair{"nodes_per_group", &c.nodes_per_group}}) {
        const auto* const at = find({key});
        const bool counts = at->is_number_integer() && *at >= 1 && *at <= 1'000'000;
        if (!counts) refuse(std::string(key) + " is no number from 1 to 1000000");
        *count = at->get<int>();
    }
    if (long(c.ranks_per_node) * c.nodes_per_group > 1'000'000) {
        refuse("has more than 1000000 ranks below a switch");
    }
    detail::each_second(c, [&](const std::vector<std::string>& where, double& value) {
        const auto* const at = find(where);
        value = at->is_number() ? at->get<double>() : -1;
        if (!std::isfinite(value) || value < 0 || value > 1) {
            refuse(detail::dotted(where) + " is no number of seconds from 0 to 1");
        }
        ++known;
    });
    if (detail::leaves(j) != known) refuse("has numbers that mpar does not know");
    return c;
}

}  // namespace mpar
