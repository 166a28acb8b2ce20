// SPDX-License-Identifier: MIT
// A backend is asked for elements that it has no kernels for.
#include <mpar/kernels/reference/backend.hpp>
#include <mpar/net/run/engine.hpp>

struct only_float : mpar::backend::reference {
    static void softmax(queue&, const mpar::view<const float>&, const mpar::view<float>&);
};

// build error: mpar: the backend has no kernels for elements of this type
constexpr auto size = sizeof(mpar::engine<only_float, double>);
