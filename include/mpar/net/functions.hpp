// SPDX-License-Identifier: MIT
// What a net's type adds to its plan: the forwards of its own layers, and its steps as constants.
// Knows no rank and no memory.
#pragma once

#include <mpar/net/automatic.hpp>
#include <mpar/net/graph/walk.hpp>
#include <mpar/net/run/execute.hpp>

#include <array>
#include <utility>

namespace mpar {

namespace detail {

/// Collects the forwards of a net's own layers, in the order of the graph.
template <class Backend, class T>
struct custom_collector {
    step_function<Backend, T>* out = nullptr;
    std::size_t count = 0;

    template <class Layer>
    constexpr int leaf(const place&, int) {
        if constexpr (traits_of(Layer::describe()).is_of_net) {
            if (out) out[count] = &Layer::template forward<Backend, T>;
            ++count;
        }
        return 0;
    }
    constexpr int join(const operation&, const place&, const int*, int) { return 0; }
};

template <class Net, class Backend, class T>
consteval std::size_t custom_count() {
    custom_collector<Backend, T> c;
    walk<Net>::over(c, {}, 0);
    return c.count;
}

template <class Net, class Backend, class T>
consteval auto collect_customs() {
    std::array<step_function<Backend, T>, custom_count<Net, Backend, T>()> table{};
    custom_collector<Backend, T> c{table.data()};
    walk<Net>::over(c, {}, 0);
    return table;
}

template <class Net, class Backend, class T>
inline constexpr auto customs_of = collect_customs<Net, Backend, T>();

/// Step I of a net whose mesh is static: the operation is a constant, so one kernel call remains.
template <class Net, class Mesh, int I, class Backend, class T>
void run(const arguments<Backend, T>& a) {
    constexpr const step& s = plan_on<Net, Mesh, Backend, T>.steps[std::size_t(I)];
    if constexpr (s.custom < 0) {
        execute<Backend, T, s.what.kind()>(s.what, a);
    } else {
        customs_of<Net, Backend, T>[std::size_t(s.custom)](a);
    }
}

template <class Net, class Mesh, class Backend, class T>
inline constexpr auto steps_of = []<int... I>(std::integer_sequence<int, I...>) {
    return std::array<step_function<Backend, T>, sizeof...(I)>{&run<Net, Mesh, I, Backend, T>...};
}
(std::make_integer_sequence<int, int(plan_on<Net, Mesh, Backend, T>.steps.size())>{});

}  // namespace detail

/// The functions that an engine calls for a net. Its steps have functions only where the mesh is
/// static.
template <class Net, class Mesh, class Backend, class T>
constexpr net_functions<Backend, T> functions_of() {
    net_functions<Backend, T> functions{.customs = detail::customs_of<Net, Backend, T>.data()};
    if constexpr (Mesh::is_static) functions.steps = detail::steps_of<Net, Mesh, Backend, T>.data();
    return functions;
}

}  // namespace mpar
