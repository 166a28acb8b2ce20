// SPDX-License-Identifier: MIT
// A net with the channels and classes that a weight file has. Knows names and shapes, no values.
#pragma once

#include <mpar/models/names.hpp>
#include <mpar/models/stored_names.hpp>
#include <mpar/net/graph/choice.hpp>
#include <mpar/net/graph/dynamic_graph.hpp>
#include <mpar/net/plan/lower.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mpar {

/// A net, and the extents of one image of its input.
struct fitted_net {
    dynamic_graph net;
    shape image;
};

/// The net with the input channels of its first filters and the outputs of its last ones as the file has
/// them, if it has tensors of their names and these differ in that alone; all else stays as it is, for
/// load() to complain about. `layers`: their names in one or more spellings; file: nullptr for none.
[[gnu::cold]] inline fitted_net fitted(const graph& net, shape image,
                                       const std::vector<std::vector<std::string>>& layers,
                                       const io::tensor_file* file) {
    const auto own = unplanned(net);
    const lowered l = lower(net, image, policy::none, std::span<const placing>(own));
    std::optional<detail::stored_names> names;
    if (file && !l.wrong) {
        std::vector<std::vector<std::string>> spellings;
        for (const auto& spelled : layers) spellings.push_back(parameter_names(l.view(), spelled));
        names.emplace(spellings, *file);
    }
    int first = -1, last = -1;  // nodes
    int first_weights = 0, last_weights = 0;
    for (const step& s : l.steps) {
        if (l.wrong || !has_filters(s.what)) continue;
        if (first < 0 || s.entry < first) first = s.entry, first_weights = s.weights;
        if (s.entry > last) last = s.entry, last_weights = s.weights;
    }
    const auto differs = [&](int weights, std::size_t dimension) -> int {
        const auto& p = l.parameters[std::size_t(weights)];
        const auto* tensor = names ? (*names)[std::size_t(weights)] : nullptr;
        if (!tensor || tensor->shape.size() != std::size_t(p.rank)) return 0;
        const auto& there = tensor->shape;
        for (std::size_t d = 0; d < there.size(); ++d) {
            if ((there[d] == p.extents[d]) != (d != dimension)) return 0;
        }
        return there[dimension] > 0 && there[dimension] < 1 << 24 ? int(there[dimension]) : 0;
    };
    fitted_net fit{{}, image};
    for (std::size_t i = 0; i < net.size(); ++i) {
        operation does = net[i].does;
        if (int(i) == first && first != last) {
            if (const int channels = differs(first_weights, 1)) {
                does = with_channels(does, channels * filters_of(does).groups, 0);
                fit.image.c = channels * filters_of(does).groups;
            }
        } else if (int(i) == last && first != last) {
            if (const int classes = differs(last_weights, 0))
                does = with_channels(does, 0, classes);
        }
        fit.net.add(does, net.inputs(i), does.name, net[i].where);
    }
    return fit;
}

}  // namespace mpar
