// SPDX-License-Identifier: MIT
// A window written as numbers, as PyTorch has it. No template takes types and values in one place, so the language refuses it
// before the library can: what the compiler says is short, and names conv2d and its window.
#include <mpar/mpar.hpp>

using namespace mpar;

// at most: 8 lines
// build error: conv2d
// build error: class Window
using layer_of_numbers = conv2d<3, 16, 3, 1, 1>;  // to be written conv2d<3, 16, window<3, 1, pad<1>>>
