// SPDX-License-Identifier: MIT
// A window all of whose taps lie in one place.
#include <mpar/layers/conv2d.hpp>

using namespace mpar;

// build error: mpar: a window's dilation is positive
constexpr operation o = conv2d<3, 8, window<3, 1, centred, dilation<0>>>::describe();
