// SPDX-License-Identifier: MIT
// A machine's constants as a JSON file. Knows no layer.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/shard/machine.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
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

/// "work.dense.flop"
inline std::string dotted(const std::vector<std::string>& path) {
    std::string name;
    for (const auto& part : path) name += (name.empty() ? "" : ".") + part;
    return name;
}

/// The number of values in a file, however deep.
inline std::size_t leaves(const nlohmann::json& j) {
    if (!j.is_object()) return 1;
    std::size_t sum = 0;
    for (const auto& inner : j) sum += leaves(inner);
    return sum;
}

}  // namespace detail

/// Seconds a flop, a byte, a step, a message; "ranks_per_node" 0 says that all are on one.
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
    constexpr std::size_t largest = 1 << 16;
    const io::refusal refuse(fault::usage, path);
    const auto bytes = io::read_file(path, largest, fault::usage);
    const auto* const text = reinterpret_cast<const char*>(bytes.data());
    const auto j = nlohmann::json::parse(text, text + bytes.size(), nullptr, false);
    if (!j.is_object() || !j.contains("mpar_machine")) {
        refuse("is no machine file: mpar calibrate writes one");
    }
    if (j["mpar_machine"] != 1) refuse("is a machine file of another version than 1");
    machine m;
    std::size_t known = 2;
    const auto find = [&](const std::vector<std::string>& where) {
        const nlohmann::json* at = &j;
        for (const auto& part : where) {
            if (!at->is_object() || !at->contains(part)) refuse("has no " + detail::dotted(where));
            at = &(*at)[part];
        }
        return at;
    };
    detail::each_constant(m, [&](const std::vector<std::string>& where, double& value) {
        const auto* const at = find(where);
        value = at->is_number() ? at->get<double>() : -1;
        if (!std::isfinite(value) || value < 0 || value > 1) {
            refuse(detail::dotted(where) + " is no number of seconds from 0 to 1");
        }
        ++known;
    });
    const auto* const ranks = find({"ranks_per_node"});
    const bool counts = ranks->is_number_integer() && *ranks >= 0 && *ranks <= 1'000'000;
    if (!counts) refuse("ranks_per_node is no number of ranks");
    m.ranks_per_node = ranks->get<int>();
    if (detail::leaves(j) != known) refuse("has constants that mpar does not know");
    return m;
}

/// A file, complete or not at all. throws: error(input) when it cannot be written.
inline void write_machine(const std::string& path, const machine& m) {
    const std::string text = to_json(m);
    io::atomic_file file(path, fault::input);
    file.write(std::as_bytes(std::span(text)));
    file.commit();
}

}  // namespace mpar
