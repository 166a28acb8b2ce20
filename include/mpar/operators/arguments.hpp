// SPDX-License-Identifier: MIT
// What a kernel's call is given: this rank's views and weights. Knows no net and no message.
#pragma once

#include <mpar/kernels/clip.hpp>
#include <mpar/tensor/view.hpp>

namespace mpar {

/// One rank's part of one step. The views are in the backend's memory and hold what is read:
/// halos have arrived, padding is zero.
template <class Backend, class T>
struct arguments {
    typename Backend::queue& queue;
    view<const T> x;             ///< what reads() says, padding included
    view<const T> second;        ///< the operator's second input, where it has one
    view<const T> residual;      ///< added before the activation; data == nullptr: none
    view<T> y;                   ///< this rank's part of the output
    box where;                   ///< y's place in the whole output
    box from;                    ///< x's place in the whole input, padding included
    shape whole;                 ///< the whole input's extents
    int tile = 0;                ///< a convolution's Winograd tiles; 0: none
    clip padding;                ///< how much of x lies outside of the image
    const T* weights = nullptr;  ///< packed filters; a user's parameters, one after the other
    const T* bias = nullptr;     ///< shift of the channels of y, filled up to whole blocks
    T* workspace = nullptr;      ///< what the backend's workspace() asked for
};

}  // namespace mpar
