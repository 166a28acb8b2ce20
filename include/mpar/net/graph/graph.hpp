// SPDX-License-Identifier: MIT
// A net as values: operations and what they read, in single assignment. Knows no shapes: see lower.hpp.
#pragma once

#include <mpar/net/graph/place.hpp>
#include <mpar/operators/operation.hpp>

#include <cstddef>
#include <span>

namespace mpar {

/// One operation of a net. Its inputs are values: value 0 is the net's first input, and value i + 1 is
/// what node i gives.
struct node {
    operation does;
    place where;
    int first_input = 0, inputs = 0;  ///< where they begin in the graph's list, and how many
};

/// A net as a list of nodes, each of which comes after those that it reads. A net's further inputs are
/// nodes (input_of_net), and so are its outputs (end_of_net); where no node is an output, the last one
/// gives the only one. It refers to memory of others: a constant of a net's type, or a dynamic_graph.
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

}  // namespace mpar
