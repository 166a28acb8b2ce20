// SPDX-License-Identifier: MIT
// A net's type as a list of values, written once at compile time. Knows no shapes: see lower.hpp.
#pragma once

#include <mpar/layers/layer.hpp>
#include <mpar/net/graph/chain.hpp>

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

/// One entry of the tape: a layer, or a mark of a residual block or a concat.
struct instruction {
    enum class kind {
        layer,
        residual_begin,
        skip_begin,
        residual_end,
        concat_begin,
        next_arm,  ///< between two arms of a concat
        concat_end,
    };

    kind what = kind::layer;
    operation does;
    place where;
};

namespace detail {

template <class Node>
struct stranger {
    static_assert(layer<Node> || block_type<Node>,
                  "mpar: what stands in a chain is a layer (describe()) or a block (using layers = "
                  "chain<...>)");
};

/// Walks over a net in the order of its layers: visitor.leaf<Layer>(place) for each, and
/// visitor.mark(kind, place) around the arms of a residual or concat.
template <class Node>
struct walk {
    template <class Visitor>
    static constexpr void over(Visitor& visitor, place where) {
        if constexpr (layer<Node>) {
            visitor.template leaf<Node>(where);
        } else if constexpr (block_type<Node>) {
            where.block = name_of<Node>();
            walk<typename Node::layers>::over(visitor, where);
        } else {
            (void)sizeof(stranger<Node>);
        }
    }
};

template <class... Layers>
struct walk<chain<Layers...>> {
    template <class Visitor>
    static constexpr void over(Visitor& visitor, place where) {
        int position = 0;
        (walk<Layers>::over(visitor, where.inner(position++)), ...);
    }
};

template <class Body, class Skip>
struct walk<residual<Body, Skip>> {
    template <class Visitor>
    static constexpr void over(Visitor& visitor, place where) {
        visitor.mark(instruction::kind::residual_begin, where);
        walk<Body>::over(visitor, where.inner(0));
        visitor.mark(instruction::kind::skip_begin, where);
        walk<Skip>::over(visitor, where.inner(1));
        visitor.mark(instruction::kind::residual_end, where);
    }
};

template <class... Arms>
struct walk<concat<Arms...>> {
    template <class Visitor>
    static constexpr void over(Visitor& visitor, place where) {
        visitor.mark(instruction::kind::concat_begin, where);
        int arm = 0;
        ((arm ? visitor.mark(instruction::kind::next_arm, where) : void(),
          walk<Arms>::over(visitor, where.inner(arm++))),
         ...);
        visitor.mark(instruction::kind::concat_end, where);
    }
};

template <int Times, class Block>
struct walk<repeat<Times, Block>> {
    template <class Visitor>
    static constexpr void over(Visitor& visitor, place where) {
        static_assert(sizeof(repeat<Times, Block>) > 0);  // complete: it checks its number
        for (int i = 0; i < Times; ++i) walk<Block>::over(visitor, where.inner(i));
    }
};

/// Counts, and writes when it has somewhere to write to.
struct recorder {
    instruction* out = nullptr;
    std::size_t count = 0;

    template <class Layer>
    constexpr void leaf(const place& where) {
        add(instruction::kind::layer, Layer::describe(), where);
    }
    constexpr void mark(instruction::kind what, const place& where) { add(what, {}, where); }

private:
    constexpr void add(instruction::kind what, const operation& does, const place& where) {
        if (out) out[count] = {what, does, where};
        ++count;
    }
};

template <class Net>
consteval std::size_t tape_length() {
    recorder r;
    walk<Net>::over(r, {});
    return r.count;
}

template <class Net>
consteval auto write_tape() {
    std::array<instruction, tape_length<Net>()> tape;
    recorder r{tape.data()};
    walk<Net>::over(r, {});
    return tape;
}

}  // namespace detail

/// The net as an array of instructions, in the order of its layers.
template <class Net>
inline constexpr auto tape_of = detail::write_tape<Net>();

}  // namespace mpar
