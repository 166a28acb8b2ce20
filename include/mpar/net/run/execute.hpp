// SPDX-License-Identifier: MIT
// From a step's value to its kernel: the one switch over kinds. Knows no net and no rank.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/layers/activations.hpp>
#include <mpar/layers/add.hpp>
#include <mpar/layers/batch_norm.hpp>
#include <mpar/layers/channels.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/layers/dense.hpp>
#include <mpar/layers/flatten.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/layers/pool.hpp>
#include <mpar/layers/softmax.hpp>

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

/// Runs one step on this rank's views. Where `o` is a constant the switch folds away.
template <class Backend, class T>
MPAR_ALWAYS_INLINE void execute(const operation& o, const arguments<Backend, T>& a,
                                step_function<Backend, T> custom) {
    switch (o.kind) {
        case op::convolution: return forward_conv2d(o, a);
        case op::dense: return forward_dense(o, a);
        case op::batch_norm: return forward_batch_norm(o, a);
        case op::activate: return forward_activate(o, a);
        case op::max_pool: return forward_max_pool(o, a);
        case op::avg_pool: return forward_avg_pool(o, a);
        case op::row_sums: return forward_row_sums(o, a);
        case op::mean_rows: return forward_mean_rows(o, a);
        case op::add: return forward_add(o, a);
        case op::channels: return forward_channels(o, a);
        case op::flatten: return forward_flatten(o, a);
        case op::softmax: return forward_softmax(o, a);
        case op::custom: return custom(a);
        case op::global_avg_pool:  // lowered to its two phases
        case op::reduce:           // done by the engine, as messages are a part of it
        case op::result:           // read by the engine
        case op::nothing: return;
    }
}

}  // namespace mpar
