// SPDX-License-Identifier: MIT
// Which layers are computed by Winograd's filtering, and how that work is divided. Knows no element.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/conv2d.hpp>
#include <mpar/kernels/cpu/panels.hpp>
#include <mpar/kernels/cpu/pixels.hpp>
#include <mpar/kernels/cpu/winograd_filters.hpp>

#include <algorithm>
#include <type_traits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// The side of the tiles that are worth it for a layer's whole output, 2 or 4; 0: its direct sum. A
/// rule on shapes, so that all ranks, ISAs and runs agree.
template <class T>
int winograd_tile(const convolution& c, const shape& y) {
    const auto is_plain = [](const taps& t) {
        return t.kernel == 3 && t.stride == 1 && t.dilation == 1;
    };
    constexpr bool has_digits = std::is_same_v<T, float>;  // double is asked for its digits
    if (!has_digits || c.groups != 1 || !is_plain(c.window.h) || !is_plain(c.window.w)) return 0;
    if (c.in < 16 || c.out < 16 || y.count() == 0) return 0;
    // Products of a pair of channels, and filters, whose reading costs as much as some of them.
    constexpr long filter = 8;
    const auto cost = [&](int tile) {
        const int side = tile + 2;
        const long tiles = long(y.n) * ceil_div(y.h, tile) * ceil_div(y.w, tile);
        return side * side * (tiles + filter);
    };
    int best = 0;
    long least = 9 * (long(y.n) * y.h * y.w + filter);
    for (const int tile : {2, 4}) {
        if (cost(tile) >= least) continue;
        best = tile;
        least = cost(tile);
    }
    return best;
}

/// The tiles that a part of a layer's output touches, image by image, row by row.
struct tile_grid {
    /// A tile's first output, in y's indices: may lie before y's first.
    struct place {
        int n = 0, h = 0, w = 0;
    };

    winograd how;
    int rows = 0, columns = 0;  ///< of tiles
    long count = 0;

    tile_grid(const winograd& w, const shape& y)
        : how(w),
          rows(ceil_div(how.row + y.h, how.tile)),
          columns(ceil_div(how.column + y.w, how.tile)),
          count(y.n * long(rows) * columns) {}

    place at(long t) const {
        return {int(t / columns / rows), int(t / columns % rows) * how.tile - how.row,
                int(t % columns) * how.tile - how.column};
    }
};

/// How the work is divided, and where its numbers lie in the workspace. None of it changes a bit of
/// a result. Tiles come in groups that fill the registers, groups in batches whose transformed
/// inputs the workers' L2 hold:
///   products  [worker][tile of its unit][vector of the panel][product][V]
///   inputs    [group of the batch][product][x's block][tile of the group][V]
/// Lines are skipped between them lest all begin in the same sets of L1.
template <class T>
struct winograd_division {
    static constexpr int V = lanes<T>;
    static constexpr long inputs_bytes = 512 * 1024;  ///< a batch's, per worker
    static constexpr long batch_tiles = 28;           ///< at least: each batch reads all filters
    static constexpr long unit_tiles = 56;            ///< at most, of which a worker keeps products

    tile_grid grid;
    int in_blocks, products;
    long panels;
    bool by_panel;  ///< neighbouring units share filters, else inputs
    long units_wanted;
    long tiles;                   ///< of a group, at most
    long input_step, group_step;  ///< from a product's inputs, a group's to the next's
    long tile_step, unit_step;    ///< from a tile's products, a worker's to the next's
    cutting groups, batches;

    winograd_division(const convolution& c, const shape& y, int workers)
        : grid(c.how, y),
          in_blocks(ceil_div(c.in_channels.size(), V)),
          products(winograd_products(c)),
          panels(panel_count<T>(c)),
          by_panel(y.c > grid.count),
          units_wanted(workers == 1 ? 1 : workers * (by_panel ? 8L : 12L)),
          tiles(std::min(long(blocking::tile_pixels), grid.count)),
          input_step((in_blocks * tiles + 1) * V),
          group_step(products * input_step),
          tile_step((2 * products + 1) * V),
          unit_step(std::min(unit_tiles, grid.count) * tile_step),
          groups(grid.count,
                 std::clamp(ceil_div(units_wanted, panels), least_groups(), most_groups())),
          batches(groups.parts, ceil_div(groups.parts, batch_groups(workers))) {}

    /// Elements, never less than those of a part of y.
    long workspace(int workers) const {
        return workers * unit_step + std::min(batch_groups(workers), most_groups()) * group_step;
    }

    /// The groups [first, last) as ranges, each a unit for each panel.
    cutting ranges(long first, long last) const {
        const long least = ceil_div(last - first, unit_tiles / tiles);
        const long wanted = ceil_div(units_wanted, panels);
        return {last - first, std::clamp(wanted, least, last - first)};
    }

private:
    long least_groups() const { return ceil_div(grid.count, tiles); }
    /// Smaller ones would leave registers empty.
    long most_groups() const { return std::max(least_groups(), grid.count / (tiles / 2 + 1)); }
    long batch_groups(int workers) const {
        return std::max(inputs_bytes * workers / (group_step * long(sizeof(T))),
                        ceil_div(batch_tiles, tiles));
    }
};

template <class T>
long winograd_workspace(const convolution& c, const shape& y, int workers) {
    return y.count() == 0 ? 0 : winograd_division<T>(c, y, workers).workspace(workers);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
