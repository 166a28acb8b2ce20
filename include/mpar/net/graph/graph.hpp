// SPDX-License-Identifier: MIT
// A net as values: operations and what they read, in single assignment. Knows no shapes: see lower.hpp.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/net/graph/place.hpp>
#include <mpar/operators/operation.hpp>

#include <cstddef>
#include <deque>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace mpar {

/// One operation of a net. Its inputs are values: 0 is the net's input, i + 1 what node i gives.
struct node {
    operation does;
    place where;
    int first_input = 0, inputs = 0;  ///< of the graph's list
};

/// Nodes in an order in which each comes after what it reads. The last one gives the net's output.
/// Refers to memory of others: a constant of a net's type, or a dynamic_graph.
class graph {
public:
    constexpr graph() = default;
    constexpr graph(std::span<const node> nodes, std::span<const int> inputs)
        : nodes_(nodes), inputs_(inputs) {}

    constexpr std::size_t size() const { return nodes_.size(); }
    constexpr const node& operator[](std::size_t i) const { return nodes_[i]; }
    constexpr auto begin() const { return nodes_.begin(); }
    constexpr auto end() const { return nodes_.end(); }

    /// The values that node i reads.
    constexpr std::span<const int> inputs(std::size_t i) const {
        return inputs_.subspan(std::size_t(nodes_[i].first_input), std::size_t(nodes_[i].inputs));
    }
    /// The value that the net gives.
    constexpr int output() const { return int(nodes_.size()); }

private:
    std::span<const node> nodes_;
    std::span<const int> inputs_;
};

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
    /// Adds one that reads what the last one gives.
    int add_next(const operation& does) { return add(does, {int(nodes_.size())}); }

    /// Valid while this lives and nothing is added.
    graph view() const { return {nodes_, inputs_}; }

private:
    std::string_view kept(std::string_view text) {
        for (const std::string& s : names_) {
            if (s == text) return s;
        }
        return names_.emplace_back(text);
    }

    growing<node> nodes_;
    growing<int> inputs_;
    std::deque<std::string> names_;  ///< stay where they are
};

}  // namespace mpar
