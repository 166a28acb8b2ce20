// SPDX-License-Identifier: MIT
// 3x3 convolution of stride 1 or 2 by Winograd's filtering: transformed inputs times filters, as
// many small matrix products, by the register tiles of the direct sum. Knows views, no net and no
// rank.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/conv2d/conv2d.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/tile/pixels.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/tile/tiles.hpp>
#include <mpar/kernels/cpu/winograd/division.hpp>
#include <mpar/kernels/cpu/winograd/places.hpp>
#include <mpar/kernels/cpu/winograd/transform.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/tensor/crew.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Transforms the inputs of tiles [first, last) of a group, for one block of x. What lies outside
/// is zero.
template <class Line, class T>
void transform_block(const winograd_division<T>& d, const view<const T>& x, int block, long first,
                     long last, T* to) {
    constexpr int side = Line::side, V = lanes<T>;
    for (long t = first; t < last; ++t, to += V) {
        const auto at = d.grid.at(t);
        const int h = (at.h + d.grid.how.row) * d.stride, w = (at.w + d.grid.how.column) * d.stride;
        const int rows = std::clamp(x.extents.h - h, 0, side);
        const int columns = std::clamp(x.extents.w - w, 0, side);
        const T* from = row_of(x, at.n, block, h) + w * V;
        long row = x.stride_h;
        alignas(64) T patch[side * side * V];
        if (rows < side || columns < side) {
            for (int i = 0; i < side; ++i) {
                for (int j = 0; j < side; ++j) {
                    const bool is_there = i < rows && j < columns;
                    store<T>(patch + (i * side + j) * V,
                             is_there ? load<T>(from + i * row + j * V) : vec<T>{});
                }
            }
            from = patch;
            row = side * V;
        }
        transform_inputs<Line>(from, row, to, d.input_step);
    }
}

/// Transforms all inputs of tiles [first, last) of group g, to `group`.
template <class Line, class T>
void transform_tiles(const winograd_division<T>& d, const view<const T>& x, int channels, long g,
                     long first, long last, T* group) {
    constexpr int V = lanes<T>;
    const long at = first - d.groups.begin(g);
    for (int block = 0; block < d.in_blocks; ++block) {
        transform_block<Line>(d, x, block, first, last, group + (block * d.tiles + at) * V);
    }
    for (long k = 0; k < d.products && d.in_pairs; ++k) {
        prepare_pairs<T>(group + k * d.input_step + at * V, last - first, d.tiles * V, channels,
                         T(winograd_usual(d.grid.how.tile)), d.pairs_of(group, k).from(at));
    }
}

/// A run: groups [first, last) of tiles, whose inputs begin at `inputs`, meet the filters of one
/// panel.
template <class T>
struct winograd_run {
    const T *inputs, *filters;
    long first, last;
    int channels, vectors;
    T* products;
};

/// The products of a run: for each transformed filter a matrix product of those that have it.
template <class T>
void multiply_groups(const winograd_division<T>& d, const winograd_run<T>& run) {
    constexpr int V = lanes<T>;
    alignas(64) static constexpr T zeros[2 * V]{};
    // Steps of a part, the same for panels of one vector and two: that is part of the result. A sum that
    // has one part is the quicker, a long one is asked for its digits.
    constexpr int capacity = MPAR_VECTOR_BYTES == 64 ? 16 : 32;
    const int most = d.in_blocks > capacity ? 16 : capacity;
    const cutting parts(d.in_blocks, std::max(1, ceil_div(d.in_blocks, most)));
    const long width = run.vectors * V;

    const winograd_places<T> places(d, run.first, run.last);
    tap_step steps[capacity];
    T corrections[tile_pixels], unscale[tile_pixels];
    paired_io<T> io;
    io.steps = steps;
    io.y_block = d.products * V;
    io.filters = run.filters;
    const auto multiply = [&](range rows, range columns) {
        const long groups = run.last - run.first, calls = rows.size() * columns.size() * groups;
        io.bias = zeros;
        io.head = io.filters;
        io.filters += d.head * width;
        for (long p = 0; p < parts.parts; ++p) {
            long count = 0;
            io.step_count = 0;
            for (long b = parts.begin(p); b < parts.begin(p + 1); ++b) {
                const int channels = std::min(V, run.channels - int(b) * V);
                steps[io.step_count++] = {b * d.tiles * V, channels};
                count += channels;
            }
            const T* const next = io.filters + count * width;
            long fetched = 0;  // of each of the next part's filters
            for (long i = 0; i < calls; ++i) {
                const long g = i % groups, place = i / groups;
                const long row = rows.lo + place / columns.size();
                const long column = columns.lo + place % columns.size();
                const long k = row * d.side + column;
                const auto tiles = places.of(g, row, column);
                if (tiles.count == 0) continue;
                io.x = run.inputs + g * d.group_step + k * d.input_step;
                io.x_at = tiles.x_at;
                io.y = run.products + k * V;
                io.y_at = tiles.y_at;
                io.ahead = {};
                if (fetched < width) io.ahead = {next + fetched * count, V};
                fetched += line_elements<T>;
                if constexpr (!has_pairs<T>) {
                    run_tile(io, run.vectors, tiles.count, tiles.adjacent);
                } else if (d.in_pairs) {
                    const auto given = d.pairs_of(run.inputs + g * d.group_step, k);
                    bool is_scaled = false;
                    for (long t = 0; t < tiles.count; ++t) {
                        corrections[t] = given.corrections[tiles.x_at[t] / V];
                        unscale[t] = given.unscale[tiles.x_at[t] / V];
                        is_scaled = is_scaled || unscale[t] != T(1);
                    }
                    io.corrections = p == 0 ? corrections : nullptr;
                    io.unscale = is_scaled ? unscale : nullptr;
                    run_paired_tile(io, run.vectors, tiles.count, tiles.adjacent, true);
                } else {
                    run_tile(io, run.vectors, tiles.count, tiles.adjacent);
                }
            }
            io.bias = nullptr;
            io.filters = next;
        }
    };
    for (int i = 0; i < d.filters; ++i) {
        for (int j = 0; j < d.filters; ++j) multiply(d.across(i), d.across(j));
    }
}

/// Makes the outputs of tiles [first, last) in y's blocks [block, block + vectors) of their
/// products `m`.
template <int Tile, class Line, class T>
void write_outputs(const winograd_division<T>& d, const T* m, int block, int vectors, long first,
                   long last, const T* bias, const epilogue<T>& then, const view<T>& y) {
    constexpr int V = lanes<T>;
    const int used = y.extents.c % V;
    const bool is_curved = has_curve(then.act);
    const auto inside = [](int at, int extent) {
        return range{std::max(0, -at), std::min(Tile, extent - at)};
    };
    for (long t = first; t < last; ++t, m += d.tile_step) {
        const auto at = d.grid.at(t);
        winograd_outputs<T> to;
        to.rows = inside(at.h, y.extents.h);
        to.columns = inside(at.w, y.extents.w);
        to.row = y.stride_h;
        to.within = bounds<T>::of(then.act);
        to.residual_row = then.residual.stride_h;
        for (int v = 0; v < vectors; ++v) {
            to.y = row_of(y, at.n, block + v, at.h) + at.w * V;
            if (then.residual.data) {
                to.residual = row_of(then.residual, at.n, block + v, at.h) + at.w * V;
            }
            to.bias = bias + (block + v) * V;
            transform_outputs<Tile, Line>(m + v * d.products * V, to);
            const bool padded = used != 0 && block + v == y.blocks() - 1;
            if (!padded && !is_curved) continue;
            long offsets[Tile];
            for (int j = 0; j < Tile; ++j) offsets[j] = (to.columns.lo + j) * V;
            for (int i = to.rows.lo; i < to.rows.hi; ++i) {
                T* const row = to.y + i * to.row;
                const int count = to.columns.size();
                if (is_curved) activate_row(then.act, row + to.columns.lo * V, count);
                if (padded) clear_lanes(row, used, offsets, count);
            }
        }
    }
}

/// conv2d's contract, for tiles of `Tile` outputs a side. x begins with the first input of the
/// first tile; what lies beyond its extents is zero. NaN and infinity reach more outputs of a tile
/// than those that read them.
template <class T>
struct winograd_layer {
    const convolution& c;
    const view<const T>& x;
    const T *packed, *bias;
    const epilogue<T>& then;
    const view<T>& y;
    T* workspace;

    template <int Tile, int Stride>
    void run(crew& queue) const {
        using line = winograd_line<Tile, Stride>;
        constexpr int V = lanes<T>;
        const winograd_division<T> d(c, y.extents, queue.workers());
        T* const inputs = workspace + queue.workers() * d.unit_step;
        const int blocks = y.blocks(), channels = c.in_channels.size();
        for (long b = 0; b < d.batches.parts; ++b) {
            const long begin = d.batches.begin(b), end = d.batches.begin(b + 1);
            const long first_tile = d.groups.begin(begin);
            const auto transform = [&](long first, long last) {
                for (long g = begin; g < end; ++g) {
                    const long from = std::max(first_tile + first, d.groups.begin(g));
                    const long to = std::min(first_tile + last, d.groups.begin(g + 1));
                    T* const group = inputs + (g - begin) * d.group_step;
                    if (from < to) transform_tiles<line>(d, x, channels, g, from, to, group);
                }
            };
            const long tiles = d.groups.begin(end) - first_tile;
            if (queue.workers() == 1) {
                transform(0, tiles);  // whole groups
            } else {
                for_each_range(queue, tiles, d.in_blocks * d.products / 2, transform);
            }

            const cutting ranges = d.ranges(begin, end);
            queue.share(d.panels * ranges.parts, [&](long unit, int worker) {
                const long panel = d.by_panel ? unit / ranges.parts : unit % d.panels;
                const long r = d.by_panel ? unit % ranges.parts : unit / d.panels;
                const int block = int(panel) * 2, vectors = std::min(2, blocks - block);
                const long first = begin + ranges.begin(r), last = begin + ranges.begin(r + 1);
                const T* const filters =
                    packed + long(block) * V * (d.head + channels) * d.filters * d.filters;
                T* const m = workspace + worker * d.unit_step;
                const T* const v = inputs + (first - begin) * d.group_step;
                multiply_groups<T>(d, {v, filters, first, last, channels, vectors, m});
                write_outputs<Tile, line>(d, m, block, vectors, d.groups.begin(first),
                                          d.groups.begin(last), bias, then, y);
            });
        }
    }
};

template <class T>
void winograd_conv2d(crew& queue, const convolution& c, input_view<T> x, const T* packed,
                     const T* bias, const epilogue<T>& then, view<T> y, T* workspace) {
    if (y.empty()) return;
    const winograd_layer<T> layer{c, x, packed, bias, then, y, workspace};
    if (c.window.h.stride == 2) {
        if (c.how.tile == 2) layer.template run<2, 2>(queue);
        if (c.how.tile == 4) layer.template run<4, 2>(queue);
    } else {
        if (c.how.tile == 2) layer.template run<2, 1>(queue);
        if (c.how.tile == 4) layer.template run<4, 1>(queue);
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
