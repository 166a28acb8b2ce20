// SPDX-License-Identifier: MIT
// A graph that is made at run time. Knows no shapes: see lower.hpp.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/net/graph/graph.hpp>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpar {

/// A graph that is made at run time, and owns what it refers to.
class dynamic_graph {
public:
    dynamic_graph() = default;
    dynamic_graph(dynamic_graph&&) = default;
    dynamic_graph& operator=(dynamic_graph&&) = default;

    /// Adds an operation that reads these values. `name`: kept here; empty: the operation's own stays.
    /// returns: the value that it gives. throws: error(internal) for a value that there is not.
    int add(operation does, std::span<const int> inputs, std::string_view name = {},
            place where = {}) {
        for (const int v : inputs) {
            if (v < 0 || v > int(nodes_.size())) {
                throw error(fault::internal, "mpar: a graph's node reads value " +
                                                 std::to_string(v) + " before there is one");
            }
        }
        if (!name.empty()) does.name = kept(name);
        if (!where.block.empty()) where.block = kept(where.block);
        nodes_.push_back({does, where, int(inputs_.size()), int(inputs.size())});
        inputs_.append(inputs.data(), inputs.size());
        return int(nodes_.size());
    }
    int add(const operation& does, std::initializer_list<int> inputs, std::string_view name = {},
            const place& where = {}) {
        return add(does, std::span(inputs.begin(), inputs.size()), name, where);
    }
    /// Adds an operation that reads what the last one gives.
    int add_next(const operation& does) { return add(does, {int(nodes_.size())}); }

    /// Adds an input besides the first: what the caller passes for one image. returns: its value.
    /// throws: error(usage) when it has no elements.
    int add_input(const shape& image, std::string_view name = {}) {
        if (image.c < 1 || image.h < 1 || image.w < 1) {
            throw error(fault::usage, "mpar: an input of " + std::to_string(image.c) + " x " +
                                          std::to_string(image.h) + " x " +
                                          std::to_string(image.w) + " has no elements");
        }
        return add(input_of_net(image), {}, name);
    }
    /// Makes a value an output of the net, after those that there are; where none is made one, the last
    /// node gives the only output. throws: as add().
    void add_output(int value, std::string_view name = {}) { add(end_of_net(), {value}, name); }

    /// The graph, which is valid while this lives and nothing is added.
    graph view() const { return {nodes_, inputs_}; }

private:
    std::string_view kept(std::string_view text) {
        for (const auto& s : names_) {
            if (*s == text) return *s;
        }
        names_.push_back(std::make_unique<std::string>(text));
        return *names_.back();
    }

    growing<node> nodes_;
    growing<int> inputs_;
    std::vector<std::unique_ptr<std::string>> names_;  ///< stay where they are
};

}  // namespace mpar
