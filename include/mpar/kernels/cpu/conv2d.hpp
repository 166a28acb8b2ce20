// SPDX-License-Identifier: MIT
// Convolution and dense by register tiles over packed filters. Knows views, no net and no rank.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/depthwise.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/panels.hpp>
#include <mpar/kernels/cpu/pixels.hpp>
#include <mpar/kernels/cpu/steps.hpp>
#include <mpar/kernels/cpu/tiles.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/tensor/crew.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Sizes that the caches ask for. None of them changes a bit of a result.
struct blocking {
    static constexpr int block_pixels = 512;         ///< at most, of which offsets are kept
    static constexpr long panel_bytes = 512 * MPAR_VECTOR_BYTES;  ///< that stay near while tiles run
    static constexpr long input_bytes = 384 * 1024;  ///< of a block's pixels, to stay in L2
    static constexpr long far_bytes = 1024 * 1024;   ///< of a view that L2 does not hold
};

/// The offsets of a block of pixels in x, y and the residual, and some more that tiles look at.
struct pixel_block {
    static constexpr int more = 2 * tile_pixels + pixels_fetched;
    static_assert(more >= offset_lanes);
    static constexpr int size = blocking::block_pixels + more;
    long x[size], y[size], residual[size];
    tiling cut;

    /// `added`: the residual's strides, all zero where there is none.
    pixel_block(const pixel_strides& in, const pixel_strides& out, const pixel_strides& added,
                const shape& extents, long begin, long end)
        : cut(end - begin, tile_pixels) {
        const auto fill = [&](const pixel_strides& s, long* at) {
            pixel_offsets(s, extents.h, extents.w, begin, end, at);
            std::fill_n(at + cut.count, more, 0L);
        };
        fill(in, x);
        fill(out, y);
        if (added.w != 0) fill(added, residual);
    }
};

/// The tiles of a block, one after the other: balanced, or where that gives small ones all but the
/// last of full size; of one vector two of full size at a time, so that there are as many sums as
/// of two vectors.
struct tile_turns {
    long size, larger, pairs, count, last;

    tile_turns(const tiling& cut, bool in_pairs)
        : size(cut.count / cut.parts), larger(cut.count % cut.parts), pairs(0), count(cut.parts),
          last(size) {
        if (size < least_tile) {
            size = std::min<long>(tile_pixels, cut.count);
            larger = 0;
            last = cut.count - (count - 1) * size;
        }
        if (in_pairs && size == tile_pixels) pairs = (last == size ? count : count - 1) / 2;
        count -= pairs;
    }

    long pixels(long turn) const {
        if (turn < pairs) return 2 * size;
        return turn == count - 1 ? last : size + (turn < larger);
    }
};

/// Which of a layer's views L2 does not hold, so that tiles ask for their lines in advance.
struct fetching {
    bool x, y;
};

/// All pixels of a block, cut into tiles, of one panel. `first`: no other panel has read them.
template <class T>
void run_panel(const convolution& c, const panel& p, const pixel_block& pixels, bool first,
               const fetching& fetches, input_view<T> x, const T* packed, const T* bias,
               const epilogue<T>& then, const view<T>& y) {
    constexpr int V = lanes<T>, line = 64 / int(sizeof(T));
    step_list<T> list(c.window, p.in, x.stride_c, x.stride_h, x.stride_w);
    const long width = p.vectors * V, all = long(p.in.size()) * c.window_taps();
    const long fit = blocking::panel_bytes / (width * long(sizeof(T)));
    const long part = ceil_div(all, std::max(1L, (all + fit / 2) / fit));
    const tile_turns turns(pixels.cut, p.vectors == 1);
    const long spread = std::min(turns.count, 8L);
    const long each = std::min<long>(line, ceil_div(width, spread));
    const bool is_curved = has_curve(then.act);

    tile_io<T> io;
    io.steps = list.steps;
    io.x = x.data;
    io.y = y.data + p.block * y.stride_c;
    io.y_block = y.stride_c;
    io.bias = bias + p.block * V;
    io.filters = packed + p.filters;
    if (then.residual.data) {
        io.residual = then.residual.data + p.block * then.residual.stride_c;
        io.residual_block = then.residual.stride_c;
    }
    io.fetches_x = first && fetches.x ? list.are_new : nullptr;
    io.fetches_y = fetches.y;
    for (bool done = false; !done; io.bias = nullptr, io.residual = nullptr) {
        list.next(part);
        done = list.done();
        io.step_count = list.step_count;
        if (done) io.within = bounds<T>::of(then.act);
        io.x_at = pixels.x;
        io.y_at = pixels.y;
        io.residual_at = pixels.residual;
        const T* const next = io.filters + list.products * width;
        io.ahead = next;
        io.ahead_step = int(each);
        const long ahead_tile = list.products * each;
        for (long t = 0; t < turns.count; ++t) {
            const long count = turns.pixels(t);
            if (t >= spread) io.ahead = next, io.ahead_step = 0;
            const bool adjacent = io.x_at[count - 1] - io.x_at[0] == (count - 1) * V;
            run_tile(io, p.vectors, count, adjacent);
            if (done && is_curved) {
                activate_pixels(then.act, io.y, io.y_at, count, io.y_block, p.vectors);
            }
            io.x_at += count;
            io.y_at += count;
            io.residual_at += count;
            io.ahead += ahead_tile;
        }
        io.fetches_y = false;
        io.filters = next;
    }
}

/// How a layer becomes units of work: its pixels in blocks, its panels in groups.
struct division {
    long blocks = 1, groups = 1;
    bool by_group = false;  ///< neighbouring units share filters, else inputs

    long count() const { return blocks * groups; }
    long block(long unit) const { return by_group ? unit % blocks : unit / groups; }
    long group(long unit) const { return by_group ? unit / blocks : unit % groups; }
};

/// One worker takes all panels of a block, whose inputs then stay in L2. Several want many units,
/// none too small; each reads other filters where these are more than the inputs.
/// `blocks`: as the caches ask for; `tiles`: the most there can be.
inline division divide(const convolution& c, long pixels, long blocks, long tiles, long panels,
                       int workers) {
    constexpr long unit_products = 500'000, units_each = 16;
    division d{std::max(1L, blocks), 1, false};
    if (workers == 1) return d;
    const long filters = long(c.in_channels.size()) / c.groups * c.window_taps() *
                         c.out_channels.size();
    const long inputs = pixels * c.window.h.stride * c.window.w.stride * c.in_channels.size();
    const long wanted = std::clamp(pixels * filters / unit_products, 1L, units_each * workers);
    d.by_group = filters > inputs;
    if (d.by_group) {
        d.groups = std::min(panels, wanted);
        d.blocks = std::clamp(ceil_div(wanted, d.groups), d.blocks, std::max(d.blocks, tiles));
    } else {
        d.blocks = std::clamp(wanted, d.blocks, std::max(d.blocks, ceil_div(tiles, 2L)));
        d.groups = std::min(panels, ceil_div(wanted, d.blocks));
    }
    return d;
}

/// y = act(bias + residual + sum over input channels and window of x * filters). Channels of the
/// layer that x does not hold count as zero: y is then a partial sum.
/// requires: x and y hold c.in_channels and c.out_channels in blocks of V; x holds all rows and
/// columns that y's outputs read, padding included; bias has zeros up to the next block.
template <class T>
void conv2d(crew& queue, const convolution& c, input_view<T> x, const T* packed, const T* bias,
            const epilogue<T>& then, view<T> y, [[maybe_unused]] T* workspace = nullptr) {
    if (y.empty()) return;
    if (takes_depthwise(c)) return depthwise_conv2d(queue, c, x, packed, bias, then, y);
    constexpr int largest = tile_pixels;
    const int stride_h = c.window.h.stride, stride_w = c.window.w.stride;
    const int used = y.extents.c % lanes<T>;
    const pixel_strides x_pixels = strides_of(x, stride_h, stride_w), y_pixels = strides_of(y),
                        r_pixels = strides_of(then.residual);

    // Tiles are balanced over all pixels; a block of them has its inputs in L2.
    const tiling all(long(y.extents.n) * y.extents.h * y.extents.w, largest);
    const long bytes = long(sizeof(T)) * std::max(1, c.in_channels.size()) * stride_h * stride_w;
    const long fit = std::clamp<long>(blocking::input_bytes / bytes, 4 * largest,
                                      blocking::block_pixels);
    const long panels = panel_count<T>(c);
    const division units = divide(c, all.count, ceil_div(all.parts, fit / largest), all.parts,
                                  panels, queue.workers());
    const auto is_large = [](const auto& v) {
        return storage(v.extents, v.block) * long(sizeof(T)) > blocking::far_bytes;
    };
    const fetching fetches{is_large(x), is_large(y)};
    const cutting blocks(all.parts, units.blocks), groups(panels, units.groups);
    queue.share(units.count(), [&](long unit, int) {
        const long b = units.block(unit), g = units.group(unit);
        const long begin = all.begin(blocks.begin(b)), end = all.begin(blocks.begin(b + 1));
        const pixel_block pixels(x_pixels, y_pixels, r_pixels, y.extents, begin, end);
        long next = 0;
        for_each_panel<T>(c, [&](const panel& p) {
            const long i = next++;
            if (i < groups.begin(g) || i >= groups.begin(g + 1)) return;
            run_panel<T>(c, p, pixels, i == groups.begin(g), fetches, x, packed, bias, then, y);
        });
        if (g + 1 < units.groups || used == 0) return;
        clear_lanes(y.data + (y.blocks() - 1) * y.stride_c, used, pixels.y, end - begin);
    });
}

/// y[n] = act(bias + residual[n] + filters * x[n]) for images of one pixel: these are the pixels.
template <class T>
void dense(crew& queue, const convolution& c, input_view<T> x, const T* packed,
           const T* bias, const epilogue<T>& then, view<T> y) {
    conv2d<T>(queue, c, x, packed, bias, then, y, nullptr);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
