// SPDX-License-Identifier: MIT
// How filters are packed for Winograd's filtering. Knows no pixel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/vector.hpp>
#include <mpar/kernels/cpu/winograd_transform.hpp>

#include <algorithm>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Products of a tile, each a matrix of filters.
inline int winograd_products(const convolution& c) { return (c.how.tile + 2) * (c.how.tile + 2); }

/// How many elements this rank's packed filters take: [panel][product][channel][vectors*V], as of
/// panels.hpp.
template <class T>
long winograd_packed_filters(const convolution& c) {
    return long(round_up(c.out_channels.size(), lanes<T>)) * c.in_channels.size() *
           winograd_products(c);
}

/// u = G g G'
template <int Tile>
void transform_filter(const double (&g)[3][3],
                      double (&u)[winograd_side<Tile>][winograd_side<Tile>]) {
    constexpr int side = winograd_side<Tile>;
    double half[3][side];
    for (int i = 0; i < 3; ++i) winograd_filter<Tile>(g[i], half[i]);
    for (int j = 0; j < side; ++j) {
        const double column[3] = {half[0][j], half[1][j], half[2][j]};
        double v[side];
        winograd_filter<Tile>(column, v);
        for (int i = 0; i < side; ++i) u[i][j] = v[i];
    }
}

/// From filters[out_channels.size()][in][3][3] to that order; transformed in double, then rounded.
template <int Tile, class T>
void winograd_pack_tiles(const T* filters, const convolution& c, T* packed) {
    constexpr int V = lanes<T>, side = winograd_side<Tile>;
    const int outs = c.out_channels.size(), ins = c.in_channels.size();
    for (int first = 0; first < outs; first += 2 * V) {
        const int width = std::min(2 * V, round_up(outs - first, V));
        for (int i = 0; i < ins; ++i) {
            for (int o = 0; o < width; ++o) {
                double g[3][3] = {}, u[side][side];
                const T* const from = filters + (long(first + o) * c.in + c.in_channels.lo + i) * 9;
                for (int k = 0; k < 9 && first + o < outs; ++k) g[k / 3][k % 3] = from[k];
                transform_filter<Tile>(g, u);
                for (int k = 0; k < side * side; ++k) {
                    packed[(long(k) * ins + i) * width + o] = static_cast<T>(u[k / side][k % side]);
                }
            }
        }
        packed += long(width) * ins * side * side;
    }
}

template <class T>
void winograd_pack_filters(const T* filters, const convolution& c, T* packed) {
    if (c.how.tile == 2) return winograd_pack_tiles<2>(filters, c, packed);
    winograd_pack_tiles<4>(filters, c, packed);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
