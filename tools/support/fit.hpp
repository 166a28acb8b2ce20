// SPDX-License-Identifier: MIT
// Rates that are not negative from measured seconds. Knows no machine.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace tools {

/// One measurement: seconds of so many units of N kinds.
template <std::size_t N>
struct measurement {
    std::array<double, N> units{};
    double seconds = 0;
};

namespace detail {

/// Solves a x = b for the unknowns whose bit is set in `which`; the others are 0.
template <std::size_t N>
std::optional<std::array<double, N>> solve(std::array<std::array<double, N>, N> a,
                                           std::array<double, N> b, unsigned which) {
    std::array<double, N> x{};
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < N; ++i) {
        if (which >> i & 1) rows.push_back(i);
    }
    for (const std::size_t p : rows) {
        if (!(std::abs(a[p][p]) > 1e-12)) return {};
        for (const std::size_t r : rows) {
            if (r == p) continue;
            const double factor = a[r][p] / a[p][p];
            for (const std::size_t c : rows) a[r][c] -= factor * a[p][c];
            b[r] -= factor * b[p];
        }
    }
    for (const std::size_t p : rows) {
        x[p] = b[p] / a[p][p];
        if (!(x[p] >= 0)) return {};
    }
    return x;
}

}  // namespace detail

/// Seconds a unit, none below 0, for which the sum over all measurements of (predicted -
/// measured)^2 / measured is least: long ones and short ones count alike by their seconds.
/// Lawson and Hanson, Solving Least Squares Problems, ch. 23; N is small: all sets of rates are tried.
template <std::size_t N>
std::array<double, N> fit_rates(const std::vector<measurement<N>>& all) {
    std::array<double, N> scale{};  // so that units of any size are near 1
    for (const auto& m : all) {
        for (std::size_t i = 0; i < N; ++i) scale[i] = std::max(scale[i], m.units[i]);
    }
    std::array<std::array<double, N>, N> a{};
    std::array<double, N> b{};
    for (const auto& m : all) {
        if (!(m.seconds > 0)) continue;
        for (std::size_t i = 0; i < N; ++i) {
            if (scale[i] == 0) continue;
            const double u = m.units[i] / scale[i];
            b[i] += u;
            for (std::size_t j = 0; j < N; ++j) {
                if (scale[j] > 0) a[i][j] += u * m.units[j] / scale[j] / m.seconds;
            }
        }
    }
    std::array<double, N> best{};
    double least = std::numeric_limits<double>::infinity();
    for (unsigned which = 1; which < 1u << N; ++which) {
        const auto x = detail::solve(a, b, which);
        if (!x) continue;
        double error = 0;
        for (const auto& m : all) {
            double predicted = 0;
            for (std::size_t i = 0; i < N; ++i) {
                if (scale[i] > 0) predicted += (*x)[i] * m.units[i] / scale[i];
            }
            if (m.seconds > 0)
                error += (predicted - m.seconds) * (predicted - m.seconds) / m.seconds;
        }
        if (error < least) {
            least = error;
            best = *x;
        }
    }
    for (std::size_t i = 0; i < N; ++i) best[i] = scale[i] > 0 ? best[i] / scale[i] : 0;
    return best;
}

}  // namespace tools
