// SPDX-License-Identifier: MIT
// A convolution by its sum: register tiles over packed filters, divided into units. Knows views, no net
// and no rank.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/tile/blocks.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/tile/pair_scale.hpp>
#include <mpar/kernels/cpu/tile/panels.hpp>
#include <mpar/kernels/cpu/tile/pixels.hpp>
#include <mpar/kernels/cpu/tile/row_tile.hpp>
#include <mpar/kernels/cpu/rows.hpp>
#include <mpar/kernels/cpu/tile/steps.hpp>
#include <mpar/kernels/cpu/tile/tiles.hpp>
#include <mpar/tensor/crew.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// A layer's work by its sum, divided into units. It is a struct with a name, since a closure's
/// symbol would spell the whole kernel's signature.
template <class T>
class direct_sum {
public:
    /// `corrections` has room for one of each pixel, where products come in pairs.
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
          units_(divide<T>(c, tiles_, group_count(), workers)),
          blocks_(tiles_.parts, units_.blocks),
          groups_(group_count(), units_.groups),
          x_is_far_(is_far(x)),
          y_is_far_(is_far(y)) {}

    long units() const { return units_.count(); }

    /// Works out once what several units would otherwise work out again.
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

    /// Computes one unit: some panels of a block of pixels.
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
            const T* const after = filters_of(crew::unit_after(unit, worker));
            run_panels({int(first), int(last)}, pixels, int(paired), corrections, after);
        }
        const int used = y_.extents.c % lanes<T>;
        if (last < groups_.count || used == 0) return;
        clear_lanes(y_.data + (y_.blocks() - 1) * y_.stride_c, used, pixels.y, pixels.cut.count);
    }

private:
    pixel_strides strides_of_x() const {
        return strides_of(x_, c_.window.h.stride, c_.window.w.stride);
    }

    /// The corrections of the pixels from there on.
    void correct(const long* at, long count, T* corrections) const {
        const int blocks = c_.in_channels.size() / lanes<T>;
        for (long i = 0; i < count; ++i) {
            corrections[i] = pixel_correction<T>(x_.data + at[i], x_.stride_c, blocks);
        }
    }

    /// The corrections of a block, y's pixels from the `begin`-th on. Pixels that have none come
    /// last.
    /// returns: how many have one.
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

    /// How many places panels take, two at a time where tiles are pieces of rows.
    long group_count() const { return ceil_div(panel_count<T>(c_), in_rows_ ? 2L : 1L); }

    /// Says where the sums of a panel begin and end.
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
        return filters_of_panel(int(groups_.begin(units_.group(unit))));
    }

    /// f(panel, place) for the panels of places [first, last): those of a block of channels, which groups
    /// may share, have one place.
    void for_each_panel_of(range places, function_ref<void(const panel&, int)> f) const {
        for_each_panel<T>(c_, [&](const panel& p) {
            const int place = p.block / panel_width(c_);
            if (places.contains({place, place + 1})) f(p, place);
        });
    }

    /// Part of a panel's sums: whether it is the first and the last one, the products before, whether no
    /// other panel has read its inputs, and the filters that are read after it.
    struct part_of_sums {
        bool begins, ends;
        long read;
        bool reads_first;
        const T* after;
    };

    /// Computes some panels of a block of pixels, of which the first `paired` have products in
    /// pairs. `after`: the filters of the next unit; nullptr: those that follow.
    void run_panels(range places, const pixel_block& pixels, int paired, T* corrections,
                    const T* after) const {
        alignas(64) T aside[blocking::block_pixels * lanes<T>];  // sums of a block that groups share
        const auto run = [&](const panel& p, const step_list<T>& list, const part_of_sums& part) {
            if (!p.lanes.empty()) return add_part_of_lanes(p, list, part, pixels, aside);
            add_part(p, list, part, pixels, {0, paired}, corrections);
            add_part(p, list, part, pixels, {paired, int(pixels.cut.count)}, nullptr);
        };
        if (goes_by_part<T>(c_, pixels.cut.count, places.size() * panel_width(c_) * lanes<T>)) {
            step_list<T> list = steps_of({0, c_.in_channels.size()});
            for (long read = 0; !list.done(); read += list.products) {
                list.next(products_of_a_part<T>(list.all));
                for_each_panel_of(places, [&](const panel& p, int place) {
                    const bool is_last = place + 1 == places.hi;
                    const T* next = filters_of_panel(is_last ? places.lo : place + 1) +
                                    (is_last ? read + list.products : read) * width_of(p);
                    if (is_last && list.done()) next = after;
                    run(p, list, {read == 0, list.done(), read, place == places.lo, next});
                });
            }
            return;
        }
        for_each_panel_of(places, [&](const panel& p, int place) {
            step_list<T> list = steps_of(p.in);
            long read = 0;
            do {
                list.next(products_of_a_part<T>(list.all));
                const T* next = packed_ + p.filters + (read + list.products) * width_of(p);
                if (list.done() && place + 1 == places.hi && after) next = after;
                run(p, list, {read == 0, list.done(), read, place == places.lo, next});
                read += list.products;
            } while (!list.done());
        });
    }

    step_list<T> steps_of(range channels) const {
        return {c_.window, channels, x_.stride_c, x_.stride_h, x_.stride_w};
    }
    static long width_of(const panel& p) { return p.vectors * lanes<T>; }
    const T* filters_of_panel(int place) const {
        return packed_ + panels_size<T>(c_, place) +
               (takes_pairs<T>(c_) ? pair_rows * panel_width(c_) * lanes<T> : 0);
    }

    /// Computes a part of the sums of a panel that is some lanes of a block. They are added up
    /// aside, and written when they are done.
    void add_part_of_lanes(const panel& p, const step_list<T>& list, const part_of_sums& part,
                           const pixel_block& pixels, T* aside) const {
        constexpr int V = lanes<T>;
        long side_by_side[pixel_block::size];
        for (int i = 0; i < pixel_block::size; ++i) side_by_side[i] = i % blocking::block_pixels * V;
        const int count = int(pixels.cut.count);
        add_part(p, list, part, pixels, {0, count}, nullptr, aside, side_by_side);
        if (!part.ends) return;
        T* const y = y_.data + p.block * y_.stride_c;
        for (int i = 0; i < count; ++i) {
            for (int o = p.lanes.lo; o < p.lanes.hi; ++o) y[pixels.y[i] + o] = aside[i * V + o];
        }
    }

    /// Computes a part of one panel's sums for the pixels `some` of a block, in tiles.
    /// `corrections`: theirs, if products come in pairs; `aside`: where the sums are kept, pixels
    /// at offsets, instead of y.
    void add_part(const panel& p, const step_list<T>& list, const part_of_sums& part,
                  const pixel_block& pixels, range some, const T* corrections, T* aside = nullptr,
                  const long* aside_at = nullptr) const {
        if (some.empty()) return;
        constexpr int V = lanes<T>;
        const long width = width_of(p);
        const bool is_scaled = takes_pairs<T>(c_);
        const tile_turns turns(tiles_.of(some.size()), p.vectors == 1 && !is_scaled);
        const fetch_shares<T> ahead(part.after, list.products * width, std::min(turns.count, 8L),
                                    list.step_count);
        // Else pixels may be less than V apart, and the first and the last tell nothing of the others.
        const bool in_blocks = x_.block == V;
        const bool is_curved = part.ends && has_curve(then_.act);
        const bool ends_in_half = y_.extents.c - (p.block + p.vectors - 1) * V <= V / 2;
        const bool is_short = part.begins && part.ends && list.products > 0 && !aside &&
                              (list.products <= short_products || ends_in_half);

        paired_io<T> io;
        io.steps = list.steps;
        io.step_count = list.step_count;
        place(io, p.block);
        if (!part.begins) io.bias = nullptr, io.residual = nullptr;
        if (part.ends) io.within = bounds<T>::of(then_.act);
        io.filters = packed_ + p.filters + part.read * width;
        if (is_scaled) io.head = packed_ + p.filters - pair_rows * width;
        io.fetches_x = part.reads_first && x_is_far_;
        io.fetches_y = part.begins && y_is_far_;
        io.x_at = pixels.x + some.lo;
        io.y_at = (aside ? aside_at : pixels.y) + some.lo;
        io.residual_at = pixels.residual + some.lo;
        if (aside) io.y = aside;
        io.corrections = part.begins ? corrections : nullptr;
        for (long t = 0; t < turns.count; ++t) {
            const long count = turns.pixels(t);
            io.ahead = ahead.of(t);
            const bool adjacent = in_blocks && io.x_at[count - 1] - io.x_at[0] == (count - 1) * V;
            if (is_scaled) {
                if constexpr (has_pairs<T>) {
                    run_paired_tile(io, p.vectors, count, adjacent, corrections != nullptr);
                }
            } else if (is_short) {
                run_short_tile(io, p.vectors, count, adjacent, ends_in_half);
            } else {
                run_tile(io, p.vectors, count, adjacent);
            }
            if (is_curved) {
                activate_pixels(then_.act, io.y, io.y_at, count, io.y_block, p.vectors);
            }
            io.x_at += count;
            io.y_at += count;
            io.residual_at += count;
            if (io.corrections) io.corrections += count;
        }
    }

    /// Computes two panels for all pixels of a block, y's from the `begin`-th on, in pieces of
    /// rows.
    void run_rows(int pair, const pixel_block& pixels, long begin, bool first) const {
        constexpr int V = lanes<T>, panel = 2 * V;
        const taps &h = c_.window.h, &w = c_.window.w;
        const int block = 4 * pair, vectors = std::min(4, ceil_div(y_.extents.c, V) - block);
        step_list<T> list = steps_of({0, c_.in_channels.size()});
        const long all = list.all, part = products_of_a_part<T>(all);
        const long turns = pixels.cut.count / row_pixels, fetching = std::min(turns, 8L);
        const bool is_curved = has_curve(then_.act);

        row_tile_io<T> io;
        io.steps = list.steps;
        place(io, block);
        io.filters = packed_ + block * V * all;
        io.panel_step = panel * all;
        io.fetches_x = first && x_is_far_;
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
            const long elements = list.products * panel, earlier = (fetching + 1) / 2;
            const fetch_shares<T> shares[] = {
                {ahead, elements, earlier, list.step_count},
                {ahead + io.panel_step, elements, fetching - earlier, list.step_count}};
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
                const long half = t < earlier ? 0 : 1;
                io.ahead = shares[half].of(t - half * earlier);
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

    /// Computes four vectors together, or fewer one after the other. `read` is how many products
    /// went before.
    static void run_row_tile(const row_tile_io<T>& io, int vectors, long read) {
        constexpr int V = lanes<T>;
        const bool adjacent = io.x_at[row_pixels - 1] - io.x_at[0] == (row_pixels - 1) * V;
        row_tile_io<T> one = io;
        if (vectors == 4) {
            one.filter_step = 2 * V;
            return adjacent ? row_tile<T, 4, true>(one) : row_tile<T, 4, false>(one);
        }
        one.ahead = {};
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

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
