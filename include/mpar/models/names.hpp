// SPDX-License-Identifier: MIT
// What a net's parameters are called in weight files. Knows no file.
#pragma once

#include <mpar/net/plan/plan.hpp>

#include <concepts>
#include <string>
#include <vector>

namespace mpar {

/// A net that knows its layers' names in the files of its origin: those with parameters, in order.
template <class Net>
concept named_network = requires {
    { Net::layer_names() } -> std::convertible_to<std::vector<std::string>>;
};

/// The name of every parameter of the plan. `layers`: the names of the layers with parameters; when
/// it is empty each is called by its positions in the chains around it, as "3.0.1.weight".
/// requires: as many names as the plan has such layers, or none.
[[gnu::cold]] inline std::vector<std::string> parameter_names(
    const plan& p, const std::vector<std::string>& layers) {
    std::vector<std::string> names;
    for (const auto& q : p.parameters) {
        std::string name;
        if (!layers.empty()) {
            name = layers.at(static_cast<std::size_t>(q.layer));
        } else {
            for (int i = 0; i < q.where.depth; ++i) {
                name += (i ? "." : "") + std::to_string(q.where.path[static_cast<std::size_t>(i)]);
            }
        }
        names.push_back(name + "." + std::string(q.suffix));
    }
    return names;
}

/// The names of a net's layers, or none where it has no foreign ones.
template <class Net>
std::vector<std::string> layer_names_of() {
    if constexpr (named_network<Net>) {
        return Net::layer_names();
    } else {
        return {};
    }
}

}  // namespace mpar
