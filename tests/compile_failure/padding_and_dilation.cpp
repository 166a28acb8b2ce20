// SPDX-License-Identifier: MIT
// A dilation in the place of the padding.
#include <mpar/layers/conv2d.hpp>

using namespace mpar;

// build error: mpar: a window's third parameter is its padding: centred, same or pad<...>
constexpr operation o = conv2d<3, 8, window<3, 1, dilation<2>>>::describe();
