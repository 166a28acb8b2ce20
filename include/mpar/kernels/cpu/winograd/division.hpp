// SPDX-License-Identifier: MIT
// Which layers are computed by Winograd's filtering, and how that work is divided. Knows no
// element.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/tile/blocks.hpp>
#include <mpar/kernels/cpu/conv2d/conv2d.hpp>
#include <mpar/kernels/cpu/tile/panels.hpp>
#include <mpar/kernels/cpu/tile/pixels.hpp>
#include <mpar/kernels/cpu/tile/tiles.hpp>
#include <mpar/kernels/cpu/winograd/filters.hpp>
#include <mpar/kernels/cpu/winograd/pairs.hpp>

#include <algorithm>
#include <type_traits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// How many inputs, and products, a side of a tile has.
constexpr int winograd_side(int tile, int stride) { return stride == 1 ? tile + 2 : 2 * tile + 1; }

/// Whether the first `outputs` of a tile's side need a product: none but the last one needs that at
/// infinity, and of stride 2 each has a product of its own.
constexpr bool winograd_needs(int tile, int stride, int outputs, int product) {
    if (outputs == tile) return true;
    const int infinity = stride == 1 ? tile + 1 : tile;
    return product < infinity || (product > infinity && product - infinity <= outputs);
}

/// How many products a line of outputs takes when it is cut into tiles.
constexpr int winograd_products(int tile, int stride, int outputs) {
    const int side = winograd_side(tile, stride);
    int sum = outputs / tile * side;
    for (int i = 0; i < side && outputs % tile != 0; ++i) {
        sum += winograd_needs(tile, stride, outputs % tile, i);
    }
    return sum;
}

/// Whether a layer's products are worth it in pairs: each pixel has to be read once more for them, and
/// few pixels leave registers empty. A rule on shapes, as winograd_tile.
template <class T>
constexpr bool pairs_pay(const convolution& c, const shape& y) {
    const taps &h = c.window.h, &w = c.window.w;
    if (!has_pairs<T> || c.groups != 1 || c.window_taps() != 1 ||
        h.before + h.after + w.before + w.after > 0) {
        return false;
    }
    if (long(y.n) * y.h * y.w < 4 * pair_pixels) return false;
    // In products of a pixel, as measured; a direct sum may end in half a vector.
    constexpr int V = lanes<T>;
    constexpr long paired_percent = 70, read = 3, reads = 384;
    const long whole = c.in / V * V, outs = round_up(c.out, V);
    const long direct = long(c.in) * round_up(c.out, V / 2);
    const long pairs =
        whole * outs * paired_percent / 100 + (c.in - whole) * outs + read * c.in + reads;
    return pairs < direct - direct / 10;
}

/// The side of the tiles that pay for a layer's whole output. A tile is the outputs that are
/// computed together: 2 or 4 a side; 1 stands for a sum by pairs of products, and 0 for the direct
/// sum. A rule on shapes, so that all ranks and runs agree.
template <class T>
constexpr int winograd_tile(const convolution& c, const shape& y) {
    if (pairs_pay<T>(c, y)) return 1;
    const taps& t = c.window.h;
    const bool is_plain = t.kernel == 3 && t.stride <= 2 && t.dilation == 1 && c.groups == 1 &&
                          c.window.w.kernel == 3 && c.window.w.stride == t.stride &&
                          c.window.w.dilation == 1;
    constexpr bool has_digits = std::is_same_v<T, float>;  // double is asked for its digits
    if (!has_digits || !is_plain || c.in < 16 || c.out < 16 || y.count() == 0) return 0;
    // In multiplications: a channel of a tile's product costs some to transform, a filter some to
    // fetch. As measured of layers of 16 to 512 channels; where two are near, the one of less
    // memory.
    constexpr long transform = 8, fetch = 12;
    const long pairs = long(c.in) * c.out, channels = c.in + c.out;
    const auto cost = [&](int tile) {
        const long products = long(y.n) * winograd_products(tile, t.stride, y.h) *
                              winograd_products(tile, t.stride, y.w);
        const int filters = tile + 2;
        return products * (pairs + transform * channels) + filters * filters * fetch * pairs;
    };
    const long direct = 9 * (long(y.n) * y.h * y.w + fetch) * pairs;
    const int best = cost(4) < cost(2) ? 4 : 2;
    return cost(best) < direct - direct / 20 ? best : 0;
}

/// The tiles that a part of a layer's output touches, image by image, row by row.
struct tile_grid {
    /// A tile's first output, in y's indices. It may lie before y's first one.
    struct place {
        int n = 0, h = 0, w = 0;
    };

    winograd how;
    int rows = 0, columns = 0;  ///< of tiles
    long count = 0;
    int last_rows = 0, last_columns = 0;  ///< of outputs, of the last row and column of tiles

    tile_grid(const winograd& w, const shape& y)
        : how(w),
          rows(ceil_div(how.row + y.h, how.tile)),
          columns(ceil_div(how.column + y.w, how.tile)),
          count(y.n * long(rows) * columns),
          last_rows(how.row + y.h - (rows - 1) * how.tile),
          last_columns(how.column + y.w - (columns - 1) * how.tile) {}

    place at(long t) const {
        return {int(t / columns / rows), int(t / columns % rows) * how.tile - how.row,
                int(t % columns) * how.tile - how.column};
    }
};

/// How the work is divided, and where its numbers lie in the workspace. None of it changes a bit of
/// a result. Tiles come in groups that fill the registers, groups in batches whose transformed
/// inputs L2 holds, or L3 where several workers would have to meet for each batch:
///   products  [worker][tile of its unit][vector of the panel][product][V]
///   inputs    [group of the batch][product][x's block][tile of the group][V], and behind a group's
///             what pairs need of each product
/// Lines are skipped between them lest all begin in the same sets of L1.
template <class T>
struct winograd_division {
    static constexpr int V = lanes<T>;
    static constexpr long own_bytes = 512 * 1024;      ///< of a batch's inputs, for one worker
    static constexpr long shared_bytes = 2048 * 1024;  ///< for each of several
    static constexpr long batch_tiles = 28;            ///< at least: each batch reads all filters
    static constexpr long unit_tiles = 56;  ///< at most, of which a worker keeps products

    tile_grid grid;
    int in_blocks;
    int stride, side, filters;  ///< products and transformed filters a side
    bool in_pairs;              ///< products, two at once
    int head;                   ///< rows before a panel's filters
    long products;
    long panels;
    bool by_panel;  ///< neighbouring units share filters, else inputs
    long units_wanted;
    long tiles;                   ///< of a group, at most
    long input_step, group_step;  ///< from a product's inputs, a group's to the next's
    long tile_step, unit_step;    ///< from a tile's products, a worker's to the next's
    tiling groups;
    cutting batches;

    winograd_division(const convolution& c, const shape& y, int workers)
        : grid(c.how, y),
          in_blocks(ceil_div(c.in_channels.size(), V)),
          stride(c.window.h.stride),
          side(winograd_side(c.how.tile, stride)),
          filters(winograd_filters(c)),
          in_pairs(winograd_takes_pairs<T>(c)),
          head(winograd_head<T>(c)),
          products(long(side) * side),
          panels(panel_count<T>(c)),
          by_panel(y.c > foreign_price * grid.count),
          units_wanted(workers == 1 ? 1 : workers * (y.c > grid.count ? 2L : 8L)),
          tiles(std::min(group_tiles(), grid.count)),
          input_step((in_blocks * tiles + 1) * V),
          group_step(products * input_step +
                     (in_pairs ? round_up(products * tile_pairs<T>::size(tiles), long(V)) : 0)),
          tile_step((2 * products + 1) * V),
          unit_step(std::min(unit_tiles, grid.count) * tile_step),
          groups(in_pairs ? tiling(grid.count, int(tiles), false)
                          : tiling({grid.count, std::clamp(ceil_div(units_wanted, panels),
                                                           least_groups(), most_groups())},
                                   int(tiles))),
          batches(groups.parts, ceil_div(groups.parts, batch_groups(workers))) {}

    /// Elements of the workspace, never fewer than a part of y would need.
    long workspace(int workers) const {
        const long kept = std::min(batch_groups(workers), most_groups());
        return workers * unit_step +
               (kept + in_pairs) * group_step;  // a part may have smaller groups
    }

    /// What paired products need beside the inputs of a group, which begin at `inputs`.
    template <class U>
    tile_pairs<U> pairs_of(U* group, long product) const {
        U* const at = group + products * input_step + product * tile_pairs<U>::size(tiles);
        return {at, at + tiles};
    }

    /// The rows (or columns) of products that have a row of transformed filters.
    range across(int filter) const { return {filter, filter + 1 < filters ? filter + 1 : side}; }

    /// Whether the last row (or column) of tiles, with so many outputs, needs a product.
    bool needs(int last_outputs, long product) const {
        return winograd_needs(grid.how.tile, stride, last_outputs, int(product));
    }

    /// The groups [first, last) in ranges, each of which is a unit of work with each panel.
    cutting ranges(long first, long last) const {
        const long least = ceil_div(last - first, unit_tiles / tiles);
        const long wanted = ceil_div(units_wanted, panels);
        return {last - first, std::clamp(wanted, least, last - first)};
    }

private:
    /// How many tiles a group has at most. Groups of paired products are of one size but for the
    /// last, and smaller where there would be too few of them for all workers.
    long group_tiles() const {
        if (!in_pairs) return tile_pixels;
        constexpr long few = pair_pixels / 3 * 2;
        return ceil_div<long>(grid.count, pair_pixels) * panels < units_wanted ? few : pair_pixels;
    }
    long least_groups() const { return ceil_div(grid.count, tiles); }
    /// The most groups that there are: smaller ones would leave registers empty.
    long most_groups() const { return std::max(least_groups(), grid.count / (tiles / 2 + 1)); }
    long batch_groups(int workers) const {
        const long bytes = workers == 1 ? own_bytes : shared_bytes * workers;
        return std::max(bytes / (group_step * long(sizeof(T))), ceil_div(batch_tiles, tiles));
    }
};

template <class T>
long winograd_workspace(const convolution& c, const shape& y, int workers) {
    return y.count() == 0 ? 0 : winograd_division<T>(c, y, workers).workspace(workers);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
