// SPDX-License-Identifier: MIT
// What work and messages cost on a machine, as a few constants. Knows no layer and no file.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace mpar {

/// Kernels whose speeds differ, by what limits them.
enum class work {
    winograd,   ///< a convolution by Winograd's filtering; flops are those of its products
    window,     ///< a convolution by its sum over a window
    pointwise,  ///< a convolution of 1 x 1
    paired,     ///< such a convolution by paired products; flops are those of the direct sum
    depthwise,  ///< one filter a channel
    dense,      ///< a matrix and a few vectors
    pass        ///< pools, sums, norms, activations: as fast as memory is
};

inline constexpr int work_count = 7;

constexpr std::string_view name_of(work w) {
    constexpr std::string_view names[] = {"winograd",  "window", "pointwise", "paired",
                                          "depthwise", "dense",  "pass"};
    return names[static_cast<int>(w)];
}

/// What one kind of work costs a rank: the time is the sum of the three products.
struct rate {
    double flop = 0;    ///< seconds a multiplication or addition
    double tensor = 0;  ///< seconds a byte of what is read and written
    double weight = 0;  ///< seconds a byte of filters

    constexpr bool operator==(const rate&) const = default;
};

/// What a message costs: alpha + beta * bytes. A byte goes through memory three times: it is packed,
/// sent, unpacked; each takes a third, and what stays where it arrives is not unpacked.
struct link {
    double alpha = 0;  ///< seconds a message
    double beta = 0;   ///< seconds a byte

    constexpr double copy() const { return beta / 3; }

    constexpr bool operator==(const link&) const = default;
};

/// A machine as the planner sees it. The constants that stand here are those of one core of an AMD
/// EPYC of Zen 4 with AVX-512 and of messages through its memory; the network is one of 100 Gbit/s.
/// usual_machine() has those of other vectors; `mpar calibrate` measures a machine's own.
struct machine {
    std::array<rate, work_count> rates{{{9.0e-12, 3.7e-11, 1.3e-11},
                                        {7.5e-12, 5.8e-11, 2.0e-11},
                                        {8.7e-12, 6.3e-12, 8.5e-12},
                                        {6.2e-12, 6.3e-12, 8.5e-12},
                                        {6.4e-12, 9.2e-12, 1.8e-11},
                                        {4.4e-11, 0, 1.8e-11},
                                        {9.0e-11, 5.0e-12, 0}}};
    double step = 5.0e-6;  ///< seconds of a step, however little it does
    link node{5.0e-7, 2.0e-10};
    link network{5.0e-6, 1.0e-10};
    int ranks_per_node = 0;  ///< 0: all are on one node

    constexpr const rate& of(work w) const { return rates[static_cast<std::size_t>(w)]; }
    constexpr rate& of(work w) { return rates[static_cast<std::size_t>(w)]; }
    /// The link that decides for the ranks of a job: the slowest rank's neighbour is on another
    /// node.
    constexpr const link& between(int ranks) const {
        return ranks_per_node == 0 || ranks <= ranks_per_node ? node : network;
    }
    constexpr bool operator==(const machine&) const = default;
};

/// The same core with kernels for vectors of so many bytes: 64; 32 (AVX2), measured likewise; 16,
/// reckoned from that.
constexpr machine usual_machine(int vector_bytes) {
    machine m;
    if (vector_bytes >= 64) return m;
    m.rates = {{{1.0e-11, 5.6e-11, 2.9e-11},
                {9.6e-12, 2.0e-11, 1.5e-11},
                {8.9e-12, 2.0e-11, 2.3e-11},
                {8.9e-12, 2.0e-11, 2.3e-11},
                {5.8e-12, 2.1e-11, 0},
                {1.17e-10, 0, 0},
                {1.0e-10, 0, 0}}};
    if (vector_bytes >= 32) return m;
    constexpr double fewer = 3;  // lanes, and a product and a sum for each multiply-add
    for (rate& r : m.rates) r.flop *= fewer;
    return m;
}

}  // namespace mpar
