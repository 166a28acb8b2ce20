// SPDX-License-Identifier: MIT
// A net's plan as a constant, and the compile error of a wrong net. Knows no rank.
#pragma once

#include <mpar/net/graph/walk.hpp>
#include <mpar/net/plan/lower.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>

namespace mpar {

namespace detail {

/// A net's plan with its layers' own policies.
template <class Net>
struct own_plan {
    static constexpr lowered make() {
        const auto each = unplanned(graph_of<Net>);
        return lower(graph_of<Net>, Net::input::extents, Net::input::given,
                     std::span<const placing>(each));
    }
};

/// The type of a net's node `Index`, looked for only where that node is wrong.
template <class Node, int Index>
struct entry;
template <class Node>
inline constexpr int entries = count_nodes<Node>().count;

template <class Node, int Index>
requires layer<Node>
struct entry<Node, Index> {
    using type = Node;
};
template <block_type Node, int Index>
requires(!layer<Node>) struct entry<Node, Index> : entry<typename Node::layers, Index> {
};
template <int Times, class Block, int Index>
struct entry<repeat<Times, Block>, Index> : entry<Block, Index % entries<Block>> {};
/// Which of several parts that follow each other has the node `index`, and which node of the part it is.
struct part_place {
    std::size_t part;
    int index;
};
template <class... Parts>
consteval part_place find_part(int index) {
    std::size_t part = 0;
    for (const int count : {entries<Parts>...}) {
        if (index < count) break;
        index -= count;
        ++part;
    }
    return {part, index};
}
/// The node `Index` of some arms. Behind all of them stands Whole, which joins them.
template <class Whole, int Index, class... Arms>
struct arm_entry {
    static constexpr part_place found = find_part<Arms...>(Index);
    using part = std::tuple_element_t<found.part, std::tuple<Arms..., Whole>>;

    static consteval auto find() {
        if constexpr (found.part < sizeof...(Arms)) {
            return std::type_identity<typename entry<part, found.index>::type>{};
        } else {
            return std::type_identity<Whole>{};
        }
    }
    using type = typename decltype(find())::type;
};
template <class Body, class Skip, int Index>
struct entry<residual<Body, Skip>, Index> : arm_entry<residual<Body, Skip>, Index, Body, Skip> {};
template <class Body, class Gate, int Index>
struct entry<product<Body, Gate>, Index> : arm_entry<product<Body, Gate>, Index, Body, Gate> {};
template <class... Arms, int Index>
struct entry<concat<Arms...>, Index> : arm_entry<concat<Arms...>, Index, Arms...> {};
template <class... Links, int Index>
struct entry<chain<Links...>, Index> : arm_entry<void, Index, Links...> {};

/// How large a plan is, which must be known before arrays for it can be declared.
struct outline {
    mismatch wrong;
    std::size_t steps, tensors, parameters;
};

template <class Source>
consteval outline outline_plan() {
    const lowered l = Source::make();
    return {l.wrong, l.steps.size(), l.tensors.size(), l.parameters.size()};
}

template <class Source>
inline constexpr outline outline_of = outline_plan<Source>();

/// Instantiates nothing for a right net, and for a wrong one the type that explains its fault.
template <class Net>
consteval bool accepted() {
    constexpr mismatch m = outline_of<own_plan<Net>>.wrong;
    if constexpr (m) {
        (void)sizeof(explain<m.what, at<m.where.position()>, typename entry<Net, m.node>::type,
                             takes<m.takes>, gives<m.gives>>);
    }
    return true;  // of a wrong net too: one error is enough
}

template <std::size_t Steps, std::size_t Tensors, std::size_t Parameters>
struct fixed_plan {
    std::array<step, Steps> steps;
    std::array<tensor, Tensors> tensors;
    std::array<parameter, Parameters> parameters;

    constexpr plan view() const { return {steps, tensors, parameters}; }
};

template <class Source>
consteval auto fix() {
    constexpr outline room = outline_of<Source>;
    fixed_plan<room.steps, room.tensors, room.parameters> fixed;
    const lowered l = Source::make();
    std::copy(l.steps.begin(), l.steps.end(), fixed.steps.begin());
    std::copy(l.tensors.begin(), l.tensors.end(), fixed.tensors.begin());
    std::copy(l.parameters.begin(), l.parameters.end(), fixed.parameters.begin());
    return fixed;
}

template <class Source>
inline constexpr auto fixed_plan_of = fix<Source>();

}  // namespace detail

/// The plan of a net with its layers' own policies, as a constant.
template <network_type Net>
requires(detail::accepted<Net>()) inline constexpr plan plan_of =
    detail::fixed_plan_of<detail::own_plan<Net>>.view();

}  // namespace mpar
