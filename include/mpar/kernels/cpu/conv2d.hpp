// SPDX-License-Identifier: MIT
// Convolution and dense by register tiles over packed filters. Knows views, no net and no rank.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/blocks.hpp>
#include <mpar/kernels/cpu/depthwise.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/pair_scale.hpp>
#include <mpar/kernels/cpu/panels.hpp>
#include <mpar/kernels/cpu/pixels.hpp>
#include <mpar/kernels/cpu/row_tile.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/steps.hpp>
#include <mpar/kernels/cpu/tiles.hpp>
#include <mpar/kernels/input_view.hpp>
#include <mpar/tensor/crew.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// A layer's work by its sum, divided into units; by name, as a closure would bear the whole
/// kernel's signature.
template <class T>
class direct_sum {
public:
    /// `corrections`: room for one of each pixel, where products come in pairs.
    direct_sum(const convolution& c, const view<const T>& x, const T* packed, const T* bias,
               const epilogue<T>& then, const view<T>& y, T* corrections, int workers)
        : c_(c),
          x_(x),
          packed_(packed),
          bias_(bias),
          then_(then),
          y_(y),
          corrections_(corrections),
          in_rows_(is_in_rows(c, y.extents)),
          tiles_(long(y.extents.n) * y.extents.h * y.extents.w,
                 in_rows_            ? row_pixels
                 : takes_pairs<T>(c) ? pair_pixels
                                     : tile_pixels,
                 !takes_pairs<T>(c)),
          units_(divide(c, tiles_, group_count(), workers, sizeof(T))),
          blocks_(tiles_.parts, units_.blocks),
          groups_(group_count(), units_.groups),
          x_is_far_(is_far(x)),
          y_is_far_(is_far(y)) {}

    long units() const { return units_.count(); }

    /// What several units would work out again.
    void prepare(crew& queue) const {
        if (!takes_pairs<T>(c_) || units_.groups == 1) return;
        const auto correct_some = [&](long first, long last) {
            constexpr long some = blocking::block_pixels;
            long at[some + offset_lanes];
            for (; first < last; first += some) {
                const long end = std::min(last, first + some);
                pixel_offsets(strides_of_x(), y_.extents.h, y_.extents.w, first, end, at);
                correct(at, end - first, corrections_ + first);
            }
        };
        for_each_range(queue, tiles_.count, x_.blocks(), correct_some);
    }

    /// One unit: some panels of a block of pixels.
    void operator()(long unit, int worker) const {
        const long block = units_.block(unit), group = units_.group(unit);
        const long begin = tiles_.begin(blocks_.begin(block));
        pixel_block pixels(strides_of_x(), strides_of(y_), strides_of(then_.residual), y_.extents,
                           begin, tiles_.begin(blocks_.begin(block + 1)), tiles_);
        T corrections[pixel_block::size];
        const long paired = takes_pairs<T>(c_) ? find_pairs(pixels, begin, corrections) : 0;
        const long first = groups_.begin(group), last = groups_.begin(group + 1);
        if (in_rows_) {
            for (long i = first; i < last; ++i) run_rows(int(i), pixels, begin, i == first);
        } else {
            const long next_unit = crew::unit_after(unit, worker);
            long i = 0;
            for_each_panel<T>(c_, [&](const panel& p) {
                if (first <= i && i < last) {
                    const T* const next = i + 1 < last ? nullptr : filters_of(next_unit);
                    run_panel(p, pixels, {0, int(paired)}, corrections, i == first, next);
                    run_panel(p, pixels, {int(paired), int(pixels.cut.count)}, nullptr, i == first,
                              next);
                }
                ++i;
            });
        }
        const int used = y_.extents.c % lanes<T>;
        if (last < groups_.count || used == 0) return;
        clear_lanes(y_.data + (y_.blocks() - 1) * y_.stride_c, used, pixels.y, pixels.cut.count);
    }

private:
    pixel_strides strides_of_x() const {
        return strides_of(x_, c_.window.h.stride, c_.window.w.stride);
    }

    /// The corrections of pixels that begin there.
    void correct(const long* at, long count, T* corrections) const {
        const int blocks = c_.in_channels.size() / lanes<T>;
        for (long i = 0; i < count; ++i) {
            corrections[i] = pixel_correction<T>(x_.data + at[i], x_.stride_c, blocks);
        }
    }

    /// Corrections of a block, y's pixels from the `begin`-th on; those that have none come last.
    /// Returns how many have.
    long find_pairs(pixel_block& pixels, long begin, T* corrections) const {
        const long count = pixels.cut.count;
        if (units_.groups == 1) {
            correct(pixels.x, count, corrections);
        } else {
            std::copy_n(corrections_ + begin, count, corrections);
        }
        return pixels.bring_to_front(corrections,
                                     [](T correction) { return correction != no_correction<T>; });
    }

    /// Whether L2 does not hold a view, so that tiles ask for its lines in advance.
    template <class V>
    static bool is_far(const V& v) {
        return storage(v.extents, v.block) * long(sizeof(T)) > blocking::far_bytes;
    }

    /// Whether tiles are pieces of rows that leave out padding: a rule on shapes, so that all ranks
    /// agree. Fewer than four vectors of channels are too few sums for a core's latency.
    static bool is_in_rows(const convolution& c, const shape& y) {
        const taps &h = c.window.h, &w = c.window.w;
        return has_row_tiles && c.groups == 1 && c.out > 3 * lanes<T> && y.w % row_pixels == 0 &&
               h.before + h.after + w.before + w.after > 0;
    }

    /// Panels, two at a time where tiles are pieces of rows.
    long group_count() const { return ceil_div(panel_count<T>(c_), in_rows_ ? 2L : 1L); }

    /// Where the sums of a panel begin and end.
    template <class Io>
    void place(Io& io, int block) const {
        io.x = x_.data;
        io.y = y_.data + block * y_.stride_c;
        io.y_block = y_.stride_c;
        io.bias = bias_ + block * lanes<T>;
        if (!then_.residual.data) return;
        io.residual = then_.residual.data + block * then_.residual.stride_c;
        io.residual_block = then_.residual.stride_c;
    }

    /// The first filters of a unit; nullptr: they are not known, or there is no such unit.
    const T* filters_of(long unit) const {
        if (c_.groups > 1 || unit < 0 || unit >= units_.count()) return nullptr;
        return packed_ + panels_size<T>(c_, groups_.begin(units_.group(unit)));
    }

    /// The pixels `some` of a block, cut into tiles, of one panel. `corrections`: theirs, if products
    /// come in pairs; `first`: no other panel has read them; `after`: filters that are read after this
    /// panel, nullptr: those behind it.
    void run_panel(const panel& p, const pixel_block& pixels, range some, const T* corrections,
                   bool first, const T* after) const {
        if (some.empty()) return;
        constexpr int V = lanes<T>, line = 64 / int(sizeof(T));
        step_list<T> list(c_.window, p.in, x_.stride_c, x_.stride_h, x_.stride_w);
        const long width = p.vectors * V, all = long(p.in.size()) * c_.window_taps();
        const bool is_scaled = takes_pairs<T>(c_);
        // Paired sums begin anew with each part: their parts are the same whatever the panel's width.
        const long fit = blocking::panel_bytes / ((is_scaled ? 2 * V : width) * long(sizeof(T)));
        const long part = ceil_div(all, std::max(1L, (all + fit / 2) / fit));
        const tile_turns turns(tiles_.of(some.size()), p.vectors == 1 && !is_scaled);
        const long spread = std::min(turns.count, 8L);
        const long each = std::min<long>(line, ceil_div(width, spread));
        // Else pixels may be less than V apart, and the first and the last tell nothing of the others.
        const bool in_blocks = x_.block == V;
        const bool is_curved = has_curve(then_.act);
        const bool ends_in_half = y_.extents.c - (p.block + p.vectors - 1) * V <= V / 2;
        const bool is_short = all > 0 && (all <= short_products || ends_in_half);

        paired_io<T> io;
        io.steps = list.steps;
        place(io, p.block);
        io.filters = packed_ + p.filters;
        if (is_scaled) io.head = io.filters - pair_rows * width;
        io.fetches_x = first && x_is_far_ ? list.are_new : nullptr;
        io.fetches_y = y_is_far_;
        const T* to_correct = corrections;
        for (bool done = false; !done; io.bias = nullptr, io.residual = nullptr) {
            list.next(part);
            done = list.done();
            io.step_count = list.step_count;
            if (done) io.within = bounds<T>::of(then_.act);
            io.x_at = pixels.x + some.lo;
            io.y_at = pixels.y + some.lo;
            io.residual_at = pixels.residual + some.lo;
            io.corrections = std::exchange(to_correct, nullptr);
            const T* const next = io.filters + list.products * width;
            // the next part's filters, by the first tiles
            const T* const ahead = done && after ? after : next;
            io.ahead = ahead;
            io.ahead_step = int(each);
            for (long t = 0; t < turns.count; ++t) {
                const long count = turns.pixels(t);
                if (t >= spread) io.ahead = ahead, io.ahead_step = 0;
                const bool adjacent =
                    in_blocks && io.x_at[count - 1] - io.x_at[0] == (count - 1) * V;
                if (is_scaled) {
                    if constexpr (std::is_same_v<T, float>) {
                        run_paired_tile(io, p.vectors, count, adjacent, corrections != nullptr);
                    }
                } else if (is_short) {
                    run_short_tile(io, p.vectors, count, adjacent, ends_in_half);
                } else {
                    run_tile(io, p.vectors, count, adjacent);
                }
                if (done && is_curved) {
                    activate_pixels(then_.act, io.y, io.y_at, count, io.y_block, p.vectors);
                }
                io.x_at += count;
                io.y_at += count;
                io.residual_at += count;
                if (io.corrections) io.corrections += count;
                io.ahead += list.products * each;
            }
            io.fetches_y = false;
            io.filters = next;
        }
    }

    /// All pixels of a block, y's from the `begin`-th on, cut into pieces of rows, of two panels.
    void run_rows(int pair, const pixel_block& pixels, long begin, bool first) const {
        constexpr int V = lanes<T>, line = 64 / int(sizeof(T)), panel = 2 * V;
        const taps &h = c_.window.h, &w = c_.window.w;
        const int block = 4 * pair, vectors = std::min(4, ceil_div(y_.extents.c, V) - block);
        const range inputs{0, c_.in_channels.size()};
        step_list<T> list(c_.window, inputs, x_.stride_c, x_.stride_h, x_.stride_w);
        const long all = long(inputs.size()) * c_.window_taps();
        const long fit = blocking::panel_bytes / (4 * V * long(sizeof(T)));
        const long part = ceil_div(all, std::max(1L, (all + fit / 2) / fit));
        const long turns = pixels.cut.count / row_pixels, fetching = std::min(turns, 8L);
        const bool is_curved = has_curve(then_.act);

        row_tile_io<T> io;
        io.steps = list.steps;
        place(io, block);
        io.filters = packed_ + block * V * all;
        io.panel_step = panel * all;
        io.fetches_x = first && x_is_far_ ? list.are_new : nullptr;
        io.fetches_y = y_is_far_;
        long read = 0;  // products
        for (bool done = false; !done; io.bias = nullptr, io.residual = nullptr) {
            list.next(part);
            done = list.done();
            io.step_count = list.step_count;
            if (done) io.within = bounds<T>::of(then_.act);
            // The first half of the tiles fetches the next filters of the first panel.
            const T* const next = io.filters + list.products * panel;
            const T* const ahead = next + (done ? io.panel_step : 0);
            for (long t = 0; t < turns; ++t) {
                const long at = t * row_pixels, row = (begin + at) / y_.extents.w;
                const int column = int((begin + at) % y_.extents.w);
                io.rows = taps_inside(h, int(row % y_.extents.h) * h.stride,
                                      c_.padding.rows(x_.extents.h));
                const range image = c_.padding.columns(x_.extents.w);
                io.columns = {taps_inside(w, column * w.stride, image).lo,
                              taps_inside(w, (column + row_pixels - 1) * w.stride, image).hi};
                io.x_at = pixels.x + at;
                io.y_at = pixels.y + at;
                io.residual_at = pixels.residual + at;
                const long earlier = (fetching + 1) / 2, half = t < earlier ? 0 : 1;
                const long sharers = std::max(1L, half == 0 ? earlier : fetching - earlier);
                const long each = std::min<long>(line, ceil_div<long>(panel, sharers));
                io.ahead_step = t < fetching ? int(each) : 0;
                io.ahead = ahead + half * io.panel_step +
                           (t - half * earlier) * io.ahead_step * list.products;
                if constexpr (has_row_tiles) run_row_tile(io, vectors, read);
                if (done && is_curved) {
                    activate_pixels(then_.act, io.y, io.y_at, row_pixels, io.y_block, vectors);
                }
            }
            io.fetches_y = false;
            io.filters = next;
            read += list.products;
        }
    }

    /// Four vectors together, fewer one after the other. `read`: the products before.
    static void run_row_tile(const row_tile_io<T>& io, int vectors, long read) {
        constexpr int V = lanes<T>;
        const bool adjacent = io.x_at[row_pixels - 1] - io.x_at[0] == (row_pixels - 1) * V;
        row_tile_io<T> one = io;
        if (vectors == 4) {
            one.filter_step = 2 * V;
            return adjacent ? row_tile<T, 4, true>(one) : row_tile<T, 4, false>(one);
        }
        one.ahead_step = 0;
        for (int v = 0; v < vectors; ++v) {
            const int width = vectors - v / 2 * 2 == 1 ? 1 : 2;  // of the panel
            one.filter_step = width * V;
            one.filters = io.filters + v / 2 * io.panel_step + v % 2 * V - read * (2 - width) * V;
            adjacent ? row_tile<T, 1, true>(one) : row_tile<T, 1, false>(one);
            one.y += io.y_block;
            if (one.bias) one.bias += V;
            if (one.residual) one.residual += io.residual_block;
        }
    }

    const convolution& c_;
    const view<const T>& x_;
    const T *packed_, *bias_;
    const epilogue<T>& then_;
    const view<T>& y_;
    T* corrections_;
    bool in_rows_;
    tiling tiles_;  ///< of all pixels
    division units_;
    cutting blocks_;  ///< of tiles
    cutting groups_;  ///< of panels
    bool x_is_far_, y_is_far_;
};

/// How many elements conv2d needs besides.
template <class T>
long sum_workspace(const convolution& c, const shape& y) {
    return takes_pairs<T>(c) ? long(y.n) * y.h * y.w : 0;
}

/// y = act(bias + residual + sum over input channels and window of x * filters). Channels of the
/// layer that x does not hold count as zero: y is then a partial sum.
/// requires: x and y hold c.in_channels and c.out_channels in blocks of V; x holds all rows and
/// columns that y's outputs read, padding included; bias has zeros up to the next block;
/// sum_workspace() elements at `workspace`.
template <class T>
void conv2d(crew& queue, const convolution& c, input_view<T> x, const T* packed, const T* bias,
            const epilogue<T>& then, view<T> y, T* workspace = nullptr) {
    if (y.empty()) return;
    if (takes_depthwise(c)) return depthwise_conv2d(queue, c, x, packed, bias, then, y);
    const direct_sum<T> work(c, x, packed, bias, then, y, workspace, queue.workers());
    work.prepare(queue);
    queue.share(work.units(), work);
}

/// y[n] = act(bias + residual[n] + filters * x[n]) for images of one pixel: these are the pixels.
template <class T>
void dense(crew& queue, const convolution& c, input_view<T> x, const T* packed, const T* bias,
           const epilogue<T>& then, view<T> y) {
    conv2d<T>(queue, c, x, packed, bias, then, y, nullptr);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
