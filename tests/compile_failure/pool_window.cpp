// SPDX-License-Identifier: MIT
// A pool of a number, not of a window.
#include <mpar/layers/pool.hpp>

using namespace mpar;

// build error: mpar: the first parameter of max_pool is a window
constexpr operation o = max_pool<std::integral_constant<int, 2>>::describe();
