// SPDX-License-Identifier: MIT
// A machine's constants as a JSON file. Knows no layer.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/shard/constants_file.hpp>
#include <mpar/shard/machine.hpp>

#include <nlohmann/json.hpp>

#include <span>
#include <string>
#include <vector>

namespace mpar {

namespace detail {

/// Visits every constant of a machine with its place in the file: {"work", "dense", "flop"}.
template <class Machine, class Visit>
void each_constant(Machine& m, Visit visit) {
    for (int w = 0; w < work_count; ++w) {
        auto& r = m.of(work(w));
        const std::string name(name_of(work(w)));
        visit(std::vector<std::string>{"work", name, "flop"}, r.flop);
        visit(std::vector<std::string>{"work", name, "tensor"}, r.tensor);
        visit(std::vector<std::string>{"work", name, "weight"}, r.weight);
    }
    visit(std::vector<std::string>{"step"}, m.step);
    visit(std::vector<std::string>{"node", "alpha"}, m.node.alpha);
    visit(std::vector<std::string>{"node", "beta"}, m.node.beta);
    visit(std::vector<std::string>{"network", "alpha"}, m.network.alpha);
    visit(std::vector<std::string>{"network", "beta"}, m.network.beta);
}

}  // namespace detail

/// Writes a machine: seconds a flop, a byte, a step and a message. "ranks_per_node" 0: all are on
/// one.
inline std::string to_json(const machine& m) {
    nlohmann::ordered_json j;
    j["mpar_machine"] = 1;
    detail::each_constant(m, [&](const std::vector<std::string>& path, double value) {
        nlohmann::ordered_json* at = &j;
        for (const auto& part : path) at = &(*at)[part];
        *at = value;
    });
    j["ranks_per_node"] = m.ranks_per_node;
    return j.dump(2) + "\n";
}

/// requires: what to_json() gives. throws: error(usage), one sentence that begins with the path, when
/// a constant is missing, is no number of seconds or is not known, or the file cannot be read.
inline machine read_machine(const std::string& path) {
    detail::constants_file file(path, "machine", "mpar calibrate writes one");
    machine m;
    detail::each_constant(m, [&](const std::vector<std::string>& where, double& value) {
        value = file.seconds(where);
    });
    m.ranks_per_node = file.count("ranks_per_node", 0, "number of ranks");
    file.end("constants");
    return m;
}

/// Writes the file, complete or not at all. throws: error(input) when it cannot be written.
inline void write_machine(const std::string& path, const machine& m) {
    const std::string text = to_json(m);
    io::atomic_file file(path, fault::input);
    file.write(std::as_bytes(std::span(text)));
    file.commit();
}

}  // namespace mpar
