// SPDX-License-Identifier: MIT
// A kernel's output is not a view of constants: the conversion goes one way.

#include <mpar/tensor/view.hpp>

void write(mpar::view<float> y);

void forward(mpar::view<const float> x) {
    // build error: could not convert 'x' from 'view<const float>' to 'view<float>'|no matching function for call to 'write'
    write(x);
}
