// SPDX-License-Identifier: MIT
// The answers that several operators share, by name. Knows no operator.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/operators/arguments.hpp>
#include <mpar/operators/filters.hpp>
#include <mpar/tensor/activation.hpp>

#include <span>

namespace mpar {

/// An operator derives from those of these whose answer is its own; what it leaves unanswered does not
/// compile.
struct keeps_extents {
    static constexpr shape output(shapes x) { return x.front(); }
};
struct reads_same_place {
    static constexpr index_map reads(int) { return {}; }
};
struct takes_anything {
    static constexpr complaint refuses(shapes) { return {}; }
};
struct has_no_parameters {
    template <class Sink>
    static constexpr void parameters(Sink&) {}
};
/// The shapes alone say nothing that it does not know already.
struct needs_no_shape {
    static constexpr void resolve(shapes) {}
};
/// Lowered to others, or done by the engine.
struct has_no_kernel {
    template <class Backend, class T>
    static void run(const activation&, const arguments<Backend, T>&) {}
};

/// Padding that is worked out so that out = ceil(in / stride), the odd row or column at the end.
constexpr void pad_same(sliding& window, const shape& x) {
    const auto pad = [](taps& t, int input) {
        const int outputs = ceil_div(input, t.stride);
        const int total = std::max(0, (outputs - 1) * t.stride + t.span() - input);
        t.before = total / 2;
        t.after = total - total / 2;
    };
    pad(window.h, x.h);
    pad(window.w, x.w);
}

/// Outputs of a window; an extent of 0: it does not fit.
constexpr shape slid(const sliding& window, const shape& x, int channels) {
    return {x.n, channels, window.h.outputs(x.h), window.w.outputs(x.w)};
}

}  // namespace mpar
