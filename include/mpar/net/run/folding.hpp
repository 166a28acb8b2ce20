// SPDX-License-Identifier: MIT
// Norms folded into what stands before them: pure arithmetic, in double precision. Knows values; no
// plan and no memory.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/core/finite.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/core/math.hpp>

#include <cstddef>
#include <string>

namespace mpar {

/// What a batch_norm multiplies its channels by: weight / sqrt(variance + epsilon). requires: as
/// many weights as variances. `first`: the number of the first channel, for the message. throws:
/// error(numbers) where the root has no value above zero.
template <class T>
[[gnu::cold]] growing<double> norm_scale(const growing<T>& weight, const growing<T>& variance,
                                         double epsilon, int first = 0) {
    growing<double> scale;
    for (std::size_t c = 0; c < weight.size(); ++c) {
        const double sum = double(variance[c]) + epsilon;
        if (!(sum > 0)) {
            throw error(fault::numbers, "mpar: a batch_norm's running_var plus epsilon is " +
                                            std::to_string(sum) + " in channel " +
                                            std::to_string(first + int(c)));
        }
        scale.push_back(double(weight[c]) / square_root(sum));
    }
    return scale;
}

/// What it adds to them: its bias, after the mean has been taken away. requires: as many of each.
template <class T>
[[gnu::cold]] growing<double> norm_shift(const growing<double>& scale, const growing<T>& mean,
                                         const growing<T>& bias) {
    growing<double> shift;
    for (std::size_t c = 0; c < scale.size(); ++c) {
        shift.push_back(multiply_add(-double(mean[c]), scale[c], double(bias[c])));
    }
    return shift;
}

/// x * by + norm per channel: what becomes of a layer's own shift x in the norm behind it.
inline void fold_shift(growing<double>& x, const growing<double>& by, const growing<double>& norm) {
    for (std::size_t c = 0; c < x.size(); ++c) x[c] = multiply_add(x[c], by[c], norm[c]);
}

/// Multiplies row i of a matrix of so many columns by scale[i]; each element is rounded once.
/// Sixteen at a time: a number of turns that the compiler knows.
template <class T>
void scale_rows(T* row, std::size_t columns, const growing<double>& scale) {
    constexpr std::size_t lanes = 16;
    for (const double by : scale) {
        std::size_t count = columns;
        for (; count >= lanes; count -= lanes, row += lanes) {
            for (std::size_t i = 0; i < lanes; ++i) row[i] = T(double(row[i]) * by);
        }
        for (std::size_t i = 0; i < count; ++i) row[i] = T(double(row[i]) * by);
        row += count;
    }
}

/// throws: error(numbers) when folding has made a number that T cannot hold.
template <class T>
void require_folded_finite(const T* values, std::size_t count) {
    if (all_finite<T>(values, count)) return;
    throw error(fault::numbers,
                "mpar: folding norms into the weights gives a number that is not finite");
}

}  // namespace mpar
