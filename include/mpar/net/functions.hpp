// SPDX-License-Identifier: MIT
// What a net's type adds to its plan: the forwards of its own layers, and its steps as constants.
// Knows no rank and no memory.
#pragma once

#include <mpar/net/execute.hpp>
#include <mpar/net/static_plan.hpp>

#include <array>
#include <utility>

namespace mpar {

namespace detail {

/// The forwards of a net's own layers, in the order of the tape.
template <class Backend, class T, class Node>
struct customs {
    static constexpr void add(step_function<Backend, T>*& next) {
        if constexpr (layer<Node>) {
            if constexpr (Node::describe().kind == op::custom)
                *next++ = &Node::template forward<Backend, T>;
        } else {
            customs<Backend, T, typename Node::layers>::add(next);
        }
    }
};
template <class Backend, class T, class... Layers>
struct customs<Backend, T, chain<Layers...>> {
    static constexpr void add(step_function<Backend, T>*& next) {
        (customs<Backend, T, Layers>::add(next), ...);
    }
};
template <class Backend, class T, class Body, class Skip>
struct customs<Backend, T, residual<Body, Skip>> {
    static constexpr void add(step_function<Backend, T>*& next) {
        customs<Backend, T, Body>::add(next);
        customs<Backend, T, Skip>::add(next);
    }
};
template <class Backend, class T, int Times, class Block>
struct customs<Backend, T, repeat<Times, Block>> {
    static constexpr void add(step_function<Backend, T>*& next) {
        for (int i = 0; i < Times; ++i) customs<Backend, T, Block>::add(next);
    }
};

template <class Net>
inline constexpr std::size_t custom_count = [] {
    std::size_t count = 0;
    for (const auto& entry : tape_of<Net>) count += entry.does.kind == op::custom;
    return count;
}();

template <class Net, class Backend, class T>
inline constexpr auto customs_of = [] {
    std::array<step_function<Backend, T>, custom_count<Net>> table{};
    auto* next = table.data();
    customs<Backend, T, Net>::add(next);
    return table;
}();

/// Step I of a net whose mesh is static: the operation is a constant, so one kernel call remains.
template <class Net, int I, class Backend, class T>
void run(const arguments<Backend, T>& a) {
    constexpr step s = plan_of<Net>.steps[std::size_t(I)];
    if constexpr (s.custom < 0) {
        execute<Backend, T>(s.what, a, nullptr);
    } else {
        execute<Backend, T>(s.what, a, customs_of<Net, Backend, T>[std::size_t(s.custom)]);
    }
}

template <class Net, class Backend, class T>
inline constexpr auto steps_of = []<int... I>(std::integer_sequence<int, I...>) {
    return std::array<step_function<Backend, T>, sizeof...(I)>{&run<Net, I, Backend, T>...};
}
(std::make_integer_sequence<int, int(plan_of<Net>.steps.size())>{});

}  // namespace detail

/// The functions that an engine calls for a net; those of its steps only where the mesh is static.
template <class Net, class Mesh, class Backend, class T>
constexpr net_functions<Backend, T> functions_of() {
    net_functions<Backend, T> functions{.customs = detail::customs_of<Net, Backend, T>.data()};
    if constexpr (Mesh::is_static) functions.steps = detail::steps_of<Net, Backend, T>.data();
    return functions;
}

}  // namespace mpar
