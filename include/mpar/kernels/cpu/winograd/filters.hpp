// SPDX-License-Identifier: MIT
// How filters are packed for Winograd's filtering. Knows no pixel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/tile/panels.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/cpu/winograd/pairs.hpp>
#include <mpar/kernels/cpu/winograd/transform.hpp>

#include <algorithm>
#include <type_traits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Whether the products of transformed inputs and filters come in pairs: a rule on the layer, as inputs
/// have to be read once more for it.
template <class T>
constexpr bool winograd_takes_pairs(const convolution& c) {
    constexpr int least_channels = 64;
    return has_pairs<T> && c.in >= least_channels &&
           c.out >= least_channels;
}

/// How many rows a panel has before those of its channels.
template <class T>
constexpr int winograd_head(const convolution& c) {
    return winograd_takes_pairs<T>(c) ? pair_rows : 0;
}

/// How many transformed filters a side has, for strides 1 and 2.
inline int winograd_filters(const convolution& c) { return c.how.tile + 2; }

/// How many elements this rank's packed filters take:
/// [panel][transformed filter][channel][vectors*V], panels as of panels.hpp, before each filter what
/// pairs have there.
template <class T>
long winograd_packed_filters(const convolution& c) {
    return long(round_up(c.out_channels.size(), lanes<T>)) *
           (winograd_head<T>(c) + c.in_channels.size()) * winograd_filters(c) * winograd_filters(c);
}

/// Packs filters[out_channels.size()][in][3][3] in that order, transformed in double, then rounded.
template <class Line, class T>
void winograd_pack_lines(const T* filters, const convolution& c, T* packed) {
    constexpr int V = lanes<T>, side = Line::filters;
    const int outs = c.out_channels.size(), ins = c.in_channels.size();
    const int head = winograd_head<T>(c), rows = head + ins;
    for (int first = 0; first < outs; first += 2 * V) {
        const int width = std::min(2 * V, round_up(outs - first, V));
        for (int i = 0; i < ins; ++i) {
            for (int o = 0; o < width; ++o) {
                double g[3][3] = {}, u[side][side];
                const T* const from = filters + (long(first + o) * c.in + c.in_channels.lo + i) * 9;
                for (int k = 0; k < 9 && first + o < outs; ++k) g[k / 3][k % 3] = from[k];
                transform_filter<Line>(g, u);
                for (int k = 0; k < side * side; ++k) {
                    packed[(long(k) * rows + head + i) * width + o] =
                        static_cast<T>(u[k / side][k % side]);
                }
            }
        }
        for (int k = 0; k < side * side && head > 0; ++k) {
            pack_pairs(packed + (long(k) * rows + head) * width, ins, width / V,
                       winograd_usual(c.how.tile));
        }
        packed += long(width) * rows * side * side;
    }
}

template <class T>
void winograd_pack_filters(const T* filters, const convolution& c, T* packed) {
    if (c.window.h.stride == 2) {
        if (c.how.tile == 2) winograd_pack_lines<winograd_line<2, 2>>(filters, c, packed);
        if (c.how.tile == 4) winograd_pack_lines<winograd_line<4, 2>>(filters, c, packed);
    } else {
        if (c.how.tile == 2) winograd_pack_lines<winograd_line<2, 1>>(filters, c, packed);
        if (c.how.tile == 4) winograd_pack_lines<winograd_line<4, 1>>(filters, c, packed);
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
