// SPDX-License-Identifier: MIT
// A net's type as a graph, written once at compile time. Knows no shapes: see lower.hpp.
#pragma once

#include <mpar/layers/layer.hpp>
#include <mpar/net/graph/chain.hpp>
#include <mpar/net/graph/graph.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

namespace mpar {

namespace detail {

template <class Node>
struct stranger {
    static_assert(layer<Node> || block_type<Node>,
                  "mpar: what stands in a chain is a layer (describe()) or a block (using layers = "
                  "chain<...>)");
};

/// Walks over a net in the order of its nodes: visitor.leaf<Layer>(place, value) for each layer, and
/// visitor.join(operation, place, values, count) where arms meet. Both return the value that is given,
/// as over() does; x: the value that comes.
template <class Node>
struct walk {
    template <class Visitor>
    static constexpr int over(Visitor& visitor, place where, int x) {
        if constexpr (layer<Node>) {
            return visitor.template leaf<Node>(where, x);
        } else if constexpr (block_type<Node>) {
            where.block = name_of<Node>();
            return walk<typename Node::layers>::over(visitor, where, x);
        } else {
            return int(sizeof(stranger<Node>));
        }
    }
};

template <class... Layers>
struct walk<chain<Layers...>> {
    template <class Visitor>
    static constexpr int over(Visitor& visitor, place where, int x) {
        int position = 0;
        ((x = walk<Layers>::over(visitor, where.inner(position++), x)), ...);
        return x;
    }
};

/// Walks over two or more arms that read one value. What they give is joined.
template <class... Arms>
struct walk_arms {
    template <class Visitor>
    static constexpr int over(Visitor& visitor, place where, int x, const operation& joins) {
        int arm = 0;
        int values[sizeof...(Arms)] = {};
        ((values[arm] = walk<Arms>::over(visitor, where.inner(arm), x), ++arm), ...);
        return visitor.join(joins, where, values, int(sizeof...(Arms)));
    }
};

template <class Body, class Skip>
struct walk<residual<Body, Skip>> {
    template <class Visitor>
    static constexpr int over(Visitor& visitor, place where, int x) {
        return walk_arms<Body, Skip>::over(visitor, where, x, sum_of_arms());
    }
};

template <class Body, class Gate>
struct walk<product<Body, Gate>> {
    template <class Visitor>
    static constexpr int over(Visitor& visitor, place where, int x) {
        return walk_arms<Body, Gate>::over(visitor, where, x, product_of_arms());
    }
};

template <class... Arms>
struct walk<concat<Arms...>> {
    template <class Visitor>
    static constexpr int over(Visitor& visitor, place where, int x) {
        return walk_arms<Arms...>::over(visitor, where, x, joined_arms());
    }
};

template <int Times, class Block>
struct walk<repeat<Times, Block>> {
    template <class Visitor>
    static constexpr int over(Visitor& visitor, place where, int x) {
        static_assert(sizeof(repeat<Times, Block>) > 0);  // complete: it checks its number
        for (int i = 0; i < Times; ++i) x = walk<Block>::over(visitor, where.inner(i), x);
        return x;
    }
};

/// A visitor that counts nodes, and writes them when it was given somewhere to write to.
struct recorder {
    node* nodes = nullptr;
    int* inputs = nullptr;
    int count = 0, input_count = 0;

    template <class Layer>
    constexpr int leaf(const place& where, int x) {
        if (!nodes) return ++input_count, ++count;
        return join(Layer::describe(), where, &x, 1);
    }
    constexpr int join(const operation& does, const place& where, const int* values, int number) {
        if (nodes) {
            nodes[count] = {does, where, input_count, number};
            for (int i = 0; i < number; ++i) inputs[input_count + i] = values[i];
        }
        input_count += number;
        return ++count;
    }
};

template <class Net>
consteval recorder count_nodes() {
    recorder r;
    walk<Net>::over(r, {}, 0);
    return r;
}

template <class Net>
struct recorded {
    static constexpr recorder size = count_nodes<Net>();

    std::array<node, std::size_t(size.count)> nodes;
    std::array<int, std::size_t(size.input_count)> inputs;
};

template <class Net>
consteval auto record() {
    recorded<Net> g{};
    recorder r{g.nodes.data(), g.inputs.data()};
    walk<Net>::over(r, {}, 0);
    return g;
}

template <class Net>
inline constexpr auto recorded_of = record<Net>();

}  // namespace detail

/// The net as a graph, in the order of its layers.
template <class Net>
inline constexpr graph graph_of{detail::recorded_of<Net>.nodes, detail::recorded_of<Net>.inputs};

}  // namespace mpar
