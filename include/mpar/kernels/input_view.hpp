// SPDX-License-Identifier: MIT
// How kernels spell a view that they only read. Knows no kernel.
#pragma once

#include <mpar/tensor/view.hpp>

#include <type_traits>

namespace mpar {

/// view<const T> as a parameter from which T is not deduced, so that a view<T> converts to it.
template <class T>
using input_view = std::type_identity_t<view<const T>>;

}  // namespace mpar
