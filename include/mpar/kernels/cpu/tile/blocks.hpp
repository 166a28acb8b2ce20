// SPDX-License-Identifier: MIT
// A layer's pixels in blocks and tiles, its work in units. Knows extents, no element of a view.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/tile/pixels.hpp>
#include <mpar/kernels/cpu/tile/tiles.hpp>
#include <mpar/tensor/shape.hpp>

#include <algorithm>
#include <type_traits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Sizes of blocks that suit the caches. None of them changes a bit of a result.
struct blocking {
    static constexpr int block_pixels = 512;  ///< at most, of which offsets are kept
    /// Bytes of filters that many tiles share. AVX-512's tiles read few bytes a cycle, which may
    /// come from L2.
    static constexpr long panel_bytes = MPAR_VECTOR_BYTES == 64 ? 128 * 1024 : 16 * 1024;
    /// Bytes of a block's inputs that stay in L2: 1 MB with AVX-512, 512 KB of Zen 2 and 3.
    static constexpr long input_bytes = MPAR_VECTOR_BYTES == 64 ? 384 * 1024 : 256 * 1024;
    static constexpr long few_bytes = 128 * 1024;   ///< stay there whatever else is read
    static constexpr long far_bytes = 1024 * 1024;  ///< of a view that L2 does not hold
};

/// The offsets of a block of pixels in x, y and the residual, and some more that tiles look at.
struct pixel_block {
    static constexpr int more = 2 * tile_pixels + pixels_fetched;
    static_assert(more >= offset_lanes);
    static constexpr int size = blocking::block_pixels + more;
    long x[size], y[size], residual[size];
    tiling cut;

    /// `added`: the residual's strides, all zero where there is none; `all`: the pixels.
    pixel_block(const pixel_strides& in, const pixel_strides& out, const pixel_strides& added,
                const shape& extents, long begin, long end, const tiling& all)
        : cut(all.of(end - begin)) {
        const auto fill = [&](const pixel_strides& s, long* at) {
            pixel_offsets(s, extents.h, extents.w, begin, end, at);
            std::fill_n(at + cut.count, more, 0L);
        };
        fill(in, x);
        fill(out, y);
        if (added.w != 0) fill(added, residual);
    }

    /// Brings the pixels of whose values `is_first` holds before all others, and keeps their order.
    /// Returns how many they are.
    template <class T, class Predicate>
    long bring_to_front(T* values, Predicate is_first) {
        const long first = std::find_if_not(values, values + cut.count, is_first) - values;
        if (first == cut.count) return first;
        int order[blocking::block_pixels], next = 0;
        for (const bool now : {true, false}) {
            for (int i = 0; i < int(cut.count); ++i) {
                if (is_first(values[i]) == now) order[next++] = i;
            }
        }
        const auto arrange = [&](auto* list) {
            std::remove_reference_t<decltype(*list)> old[blocking::block_pixels];
            std::copy_n(list, cut.count, old);
            for (int i = 0; i < int(cut.count); ++i) list[i] = old[order[i]];
        };
        const long count = std::count_if(values, values + cut.count, is_first);
        arrange(x);
        arrange(y);
        arrange(residual);
        arrange(values);
        return count;
    }
};

/// Cuts a block into tiles, one after the other. A tile is the few pixels whose sums are in
/// registers at a time. They are balanced, or where that gives small ones all but the last of full
/// size; of one vector two of full size at a time, so that there are as many sums as of two
/// vectors.
struct tile_turns {
    long size, larger, doubles, count, last;

    /// `in_twos`: tiles of the full size are computed two at a time.
    tile_turns(const tiling& cut, bool in_twos)
        : size(cut.count / cut.parts),
          larger(cut.count % cut.parts),
          doubles(0),
          count(cut.parts),
          last(size) {
        if (size < cut.largest - less_pixels || !cut.balanced) {
            size = std::min<long>(cut.largest, cut.count);
            larger = 0;
            last = cut.count - (count - 1) * size;
        }
        if (in_twos && size == cut.largest) doubles = (last == size ? count : count - 1) / 2;
        count -= doubles;
    }

    long pixels(long turn) const {
        if (turn < doubles) return 2 * size;
        return turn == count - 1 ? last : size + (turn < larger);
    }
};

/// How a layer becomes units of work: its pixels in blocks, its panels in groups.
struct division {
    long blocks = 1, groups = 1;
    bool by_group = false;  ///< neighbouring units share filters, else inputs

    long count() const { return blocks * groups; }
    long block(long unit) const { return by_group ? unit % blocks : unit / groups; }
    long group(long unit) const { return by_group ? unit / blocks : unit % groups; }
};

/// How many products each part of a sum has, each part beginning anew. That decides the bits of a
/// result, so it is the same whatever the panel's width and the pixels.
template <class T>
constexpr long products_of_a_part(long all) {
    constexpr long fit = blocking::panel_bytes / (2 * lanes<T> * long(sizeof(T)));
    return ceil_div(all, std::max(1L, (all + fit / 2) / fit));
}

/// Whether all panels, of so many output channels, add a part of their sums before any adds the next:
/// where the inputs of a block of pixels would not stay in the cache from panel to panel, and the sums would.
template <class T>
bool goes_by_part(const convolution& c, long pixels, long outs) {
    const long in = c.in_channels.size(), products = in * c.window_taps();
    const long inputs = pixels * in * c.window.h.stride * c.window.w.stride;
    return c.groups == 1 && products > products_of_a_part<T>(products) &&
           inputs * long(sizeof(T)) > blocking::few_bytes && pixels * outs <= inputs;
}

/// How many times as much as a byte of filters a byte of inputs costs several workers. Another worker
/// has just written the inputs, so they lie in its cache; filters lie where all workers reach them.
inline constexpr long foreign_price = 4;

/// One worker takes all panels of a block, whose inputs then stay in L2. Several want many units,
/// none too small; each reads other filters where these are far more than the inputs.
template <class T>
division divide(const convolution& c, const tiling& tiles, long panels, int workers) {
    constexpr long unit_products = 500'000, units_each = 8;
    constexpr long unit_tiles = 4;  // at least: they share a panel's filters
    const long strides = long(c.window.h.stride) * c.window.w.stride;
    const long pixel = std::max(1, c.in_channels.size()) * strides;  // elements of x
    const long outs = c.out_channels.size();
    const long part = products_of_a_part<T>(long(c.in_channels.size()) * c.window_taps());
    const long kept = goes_by_part<T>(c, tiles.count, outs)
                          ? std::min(pixel, ceil_div<long>(part, c.window_taps()) * strides + outs)
                          : pixel;
    const long fit = std::clamp<long>(blocking::input_bytes / (kept * long(sizeof(T))),
                                      4 * tile_pixels, blocking::block_pixels);
    division d{ceil_div(tiles.parts, fit / tile_pixels), 1, false};
    if (workers == 1) return d;
    const long filters =
        long(c.in_channels.size()) / c.groups * c.window_taps() * c.out_channels.size();
    const long wanted = std::clamp(tiles.count * filters / unit_products, 1L, units_each * workers);
    d.by_group = filters > foreign_price * tiles.count * pixel;
    if (d.by_group) {
        d.groups = std::min(panels, wanted);
        d.blocks =
            std::clamp(ceil_div(wanted, d.groups), d.blocks, std::max(d.blocks, tiles.parts));
    } else {
        d.blocks =
            std::clamp(wanted, d.blocks, std::max(d.blocks, ceil_div(tiles.parts, unit_tiles)));
        d.groups = std::min(panels, ceil_div(wanted, d.blocks));
    }
    return d;
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
