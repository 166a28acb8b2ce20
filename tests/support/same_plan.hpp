// SPDX-License-Identifier: MIT
// Where two plans differ, whatever their layers are called. Knows no rank.
#pragma once

#include <mpar/net/plan/plan.hpp>

#include <cstddef>
#include <string>

namespace mpar_test {

/// What two operations do differently, or nothing.
inline std::string difference(const mpar::operation& a, const mpar::operation& b) {
    using mpar::op;
    if (a.kind() != b.kind()) return "kind";
    if (a.asks != b.asks) return "policy";
    if (a.act != b.act) return "activation";
    for (const int i : {0, 1}) {
        if (index_map_of(a, i) != index_map_of(b, i)) return "what is read";
    }
    if (has_filters(a) && filters_of(a) != filters_of(b)) return "filters";
    if (epsilon_of(a) != epsilon_of(b)) return "epsilon";
    if (a.kind() == op::avg_pool &&
        a.held<op::avg_pool>().count_padding != b.held<op::avg_pool>().count_padding) {
        return "what is averaged";
    }
    if (a.kind() == op::pad && a.held<op::pad>().how != b.held<op::pad>().how) return "border";
    return {};
}

/// `counts_nodes`: the graphs have equally many nodes, which the plans name by their numbers.
inline std::string difference(const mpar::step& a, const mpar::step& b, bool counts_nodes) {
    if (a.inputs.size() != b.inputs.size()) return "number of inputs";
    for (int i = 0; i < a.inputs.size(); ++i) {
        if (a.inputs[i] != b.inputs[i]) return "inputs";
    }
    if (a.adds != b.adds) return "what is added";
    if (a.y != b.y) return "output";
    if (a.weights != b.weights || a.norm != b.norm) return "parameters";
    if (a.epsilon != b.epsilon) return "epsilon";
    if (a.custom != b.custom) return "function";
    if (counts_nodes ? a.entry != b.entry : (a.entry < 0) != (b.entry < 0)) return "node";
    return difference(a.what, b.what);
}

inline std::string difference(const mpar::tensor& a, const mpar::tensor& b) {
    if (a.extents != b.extents) return "extents";
    if (a.where != b.where) return "layout";
    if (a.producer != b.producer || a.last_reader != b.last_reader) return "life";
    return {};
}

inline std::string difference(const mpar::parameter& a, const mpar::parameter& b) {
    if (a.is != b.is || a.suffix != b.suffix) return "role";
    if (a.rank != b.rank || a.extents != b.extents) return "extents";
    if (a.layer != b.layer) return "layer";
    return {};
}

/// The first difference of two plans in words, as "step 3: filters"; nothing: they are equal.
inline std::string difference(const mpar::plan& a, const mpar::plan& b, bool counts_nodes = true) {
    const auto first = [](const char* what, const auto& all, const auto& others, auto... more) {
        if (all.size() != others.size()) return "number of " + std::string(what) + "s";
        for (std::size_t i = 0; i < all.size(); ++i) {
            const std::string words = difference(all[i], others[i], more...);
            if (!words.empty()) return std::string(what) + " " + std::to_string(i) + ": " + words;
        }
        return std::string();
    };
    std::string words = first("step", a.steps, b.steps, counts_nodes);
    if (words.empty()) words = first("tensor", a.tensors, b.tensors);
    if (words.empty()) words = first("parameter", a.parameters, b.parameters);
    return words;
}

}  // namespace mpar_test
