// SPDX-License-Identifier: MIT
// From a step's value to its kernel. Knows no net and no rank.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/operators/operation.hpp>

namespace mpar {

/// The forward of a user's layer, or of a step that is a constant, as the engine calls it.
template <class Backend, class T>
using step_function = void (*)(const arguments<Backend, T>&);

/// What a net's type adds to its plan: functions by index.
template <class Backend, class T>
struct net_functions {
    const step_function<Backend, T>* customs = nullptr;  ///< the net's own layers
    const step_function<Backend, T>* steps = nullptr;    ///< all steps of a static net, or none
};

namespace detail {

/// (A type with a name, as a lambda's is long.)
template <class Backend, class T>
struct kernel_call {
    const activation& act;
    const arguments<Backend, T>& with;

    template <class Operator>
    MPAR_ALWAYS_INLINE void operator()(const Operator& o) const {
        o.run(act, with);
    }
};

}  // namespace detail

/// Runs one step on this rank's views; `custom`: the net's own kernel for it, or nullptr. Where `o` is a
/// constant the switch of visit() folds away.
template <class Backend, class T>
MPAR_ALWAYS_INLINE void execute(const operation& o, const arguments<Backend, T>& a,
                                step_function<Backend, T> custom) {
    if (custom) return custom(a);
    visit(o, detail::kernel_call<Backend, T>{o.act, a});
}

/// Runs one step that is a constant of the program.
template <class Backend, class T, op Kind>
void execute(const operation& o, const arguments<Backend, T>& a) {
    o.held<Kind>().run(o.act, a);
}

}  // namespace mpar
