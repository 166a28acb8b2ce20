// SPDX-License-Identifier: MIT
// A net's type as a list of values, written once at compile time. Knows no shapes: see lower.hpp.
#pragma once

#include <mpar/layers/layer.hpp>
#include <mpar/net/chain.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace mpar {

/// Where a layer stands: its position in the innermost chain and the named block around it.
struct place {
    static constexpr int deepest = 16;

    std::string_view block;             ///< "bottleneck<64, 64, 1>::body"
    std::array<short, deepest> path{};  ///< positions from the outermost chain inwards
    int depth = 0;

    constexpr int position() const { return depth ? path[static_cast<std::size_t>(depth - 1)] : 0; }

    constexpr place inner(int position) const {
        place p = *this;
        if (depth < deepest)
            p.path[static_cast<std::size_t>(p.depth++)] = static_cast<short>(position);
        return p;
    }
};

/// One entry of the tape: a layer, or a mark of a residual block.
struct instruction {
    enum class kind { layer, residual_begin, skip_begin, residual_end };

    kind what = kind::layer;
    operation does;
    place where;
};

namespace detail {

/// Counts, and writes when it has somewhere to write to.
struct recorder {
    instruction* out = nullptr;
    std::size_t count = 0;

    constexpr void add(instruction::kind what, const operation& does, const place& where) {
        if (out) out[count] = {what, does, where};
        ++count;
    }
};

template <class Node>
struct stranger {
    static_assert(layer<Node> || block_type<Node>,
                  "mpar: what stands in a chain is a layer (describe()) or a block (using layers = "
                  "chain<...>)");
};

template <class Node>
struct node {
    static consteval void record(recorder& r, place where) {
        if constexpr (layer<Node>) {
            r.add(instruction::kind::layer, Node::describe(), where);
        } else if constexpr (block_type<Node>) {
            where.block = name_of<Node>();
            node<typename Node::layers>::record(r, where);
        } else {
            (void)sizeof(stranger<Node>);
        }
    }
};

template <class... Layers>
struct node<chain<Layers...>> {
    static consteval void record(recorder& r, place where) {
        int position = 0;
        (node<Layers>::record(r, where.inner(position++)), ...);
    }
};

template <class Body, class Skip>
struct node<residual<Body, Skip>> {
    static consteval void record(recorder& r, place where) {
        r.add(instruction::kind::residual_begin, {}, where);
        node<Body>::record(r, where.inner(0));
        r.add(instruction::kind::skip_begin, {}, where);
        node<Skip>::record(r, where.inner(1));
        r.add(instruction::kind::residual_end, {}, where);
    }
};

template <int Times, class Block>
struct node<repeat<Times, Block>> {
    static consteval void record(recorder& r, place where) {
        for (int i = 0; i < Times; ++i) node<Block>::record(r, where.inner(i));
    }
};

template <class Net>
consteval std::size_t tape_length() {
    recorder r;
    node<Net>::record(r, {});
    return r.count;
}

template <class Net>
consteval auto write_tape() {
    std::array<instruction, tape_length<Net>()> tape;
    recorder r{tape.data()};
    node<Net>::record(r, {});
    return tape;
}

}  // namespace detail

/// The net as an array of instructions, in the order of its layers.
template <class Net>
inline constexpr auto tape_of = detail::write_tape<Net>();

}  // namespace mpar
