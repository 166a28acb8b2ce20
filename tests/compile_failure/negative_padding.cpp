// SPDX-License-Identifier: MIT
// Rows cut off by a negative padding.
#include <mpar/layers/conv2d.hpp>

using namespace mpar;

// build error: mpar: padding is not negative
constexpr operation o = conv2d<3, 8, window<3, 1, pad<-1>>>::describe();
