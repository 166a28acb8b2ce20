// SPDX-License-Identifier: MIT
// What a net's parameters are called in weight files. Knows no file.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/net/plan/plan.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace mpar {

/// A net that says what its layers are called in weight files: `layer_names()` has one name for
/// each layer with parameters, in the order of the chain, a residual's body before its skip. A
/// layer called "stem.conv" has the tensor "stem.conv.weight", and whatever else it has parameters
/// for: "bias"; of a batch_norm "bias", "running_mean" and "running_var".
template <class Net>
concept named_network = requires {
    { Net::layer_names() } -> std::convertible_to<std::vector<std::string>>;
};

/// A net that is found in files under other names too: `other_layer_names()` has further lists, each
/// as long as that of layer_names() and in its order.
template <class Net>
concept renamed_network = named_network<Net> && requires {
    { Net::other_layer_names() } -> std::convertible_to<std::vector<std::vector<std::string>>>;
};

namespace detail {

/// throws: error(usage) unless there is one name for each of so many layers, and none twice.
[[gnu::cold]] inline void require_names(const std::vector<std::string>& layers, std::size_t count) {
    if (layers.size() != count) {
        throw error(fault::usage, "mpar: layer_names has " + std::to_string(layers.size()) +
                                      " names, the network has " + std::to_string(count) +
                                      " layers with parameters");
    }
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (layers[i] != layers[j]) continue;
            throw error(fault::usage, "mpar: layer_names has '" + layers[i] + "' twice");
        }
    }
}

}  // namespace detail

/// The name of every parameter of the plan. `layers`: the names of the layers with parameters; when
/// it is empty each is called by its positions in the chains around it, as "3.0.1.weight".
/// throws: error(usage) when there are names, but not one for each such layer, or one twice.
[[gnu::cold]] inline std::vector<std::string> parameter_names(
    const plan& p, const std::vector<std::string>& layers) {
    std::size_t count = 0;
    for (const auto& q : p.parameters) {
        count = std::max(count, static_cast<std::size_t>(q.layer) + 1);
    }
    if (!layers.empty()) detail::require_names(layers, count);
    std::vector<std::string> names;
    for (const auto& q : p.parameters) {
        std::string name;
        if (!layers.empty()) {
            name = layers[static_cast<std::size_t>(q.layer)];
        } else {
            for (int i = 0; i < q.at.depth; ++i) {
                name += (i ? "." : "") + std::to_string(q.at.path[static_cast<std::size_t>(i)]);
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

/// All lists of names that the layers of a net may have in files, its own first.
template <class Net>
std::vector<std::vector<std::string>> spellings_of() {
    std::vector<std::vector<std::string>> all{layer_names_of<Net>()};
    if constexpr (renamed_network<Net>) {
        for (auto& other : Net::other_layer_names()) all.push_back(std::move(other));
    }
    return all;
}

}  // namespace mpar
