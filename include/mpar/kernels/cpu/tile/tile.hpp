// SPDX-License-Identifier: MIT
// The register tile: R pixels x NV vectors of output channels. Knows pointers, no view, no layer.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/tile/in_order.hpp>
#include <mpar/kernels/cpu/vector.hpp>

#include <algorithm>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// A step of a tile's sum: some channels of one block of x at one place of the window, which are
/// `count` products for each pixel.
struct tap_step {
    long at;  ///< from a pixel's first element of x
    int count;
    int row = 0, column = 0;  ///< of the window
    bool is_new = false;      ///< neither the row above nor another tap has read its inputs
};

/// For how many pixels a tile fetches lines at a time. It may look at so many offsets beyond 2R.
inline constexpr int pixels_fetched = 4;

/// How many elements of T a line of the cache holds.
template <class T>
inline constexpr int line_elements = 64 / int(sizeof(T));

/// How many channels have their products written out one after the other: a whole block where the
/// code is short, and tiles have too few products to hide what a loop costs.
template <class T>
inline constexpr int channels_at_once = MPAR_VECTOR_BYTES == 64 ? 2 : lanes<T>;
template <class T>
inline constexpr bool has_whole_blocks = channels_at_once<T> == lanes<T>;

/// Lines that are fetched into the cache beside a tile's sums, some with each of its steps.
template <class T>
struct fetch_list {
    const T* from = nullptr;
    int lines = 0;                  ///< with each step; 0: none
    long stride = line_elements<T>;  ///< from a line to the next
};

/// A run of elements of which `sharers` tiles, one after the other, fetch a share each, with so
/// many steps. No step fetches more lines than the cache can ask for.
template <class T>
class fetch_shares {
public:
    fetch_shares(const T* from, long elements, long sharers, int steps)
        : from_(from), sharers_(from && steps > 0 ? sharers : 0) {
        if (sharers_ == 0) return;
        const long lines = ceil_div(elements, sharers * line_elements<T> * steps);
        lines_ = int(std::min<long>(lanes<T>, lines));
        each_ = long(lines_) * steps * line_elements<T>;
    }
    fetch_list<T> of(long turn) const {
        if (turn >= sharers_) return {};
        return {from_ + turn * each_, lines_};
    }

private:
    const T* from_;
    long sharers_, each_ = 0;
    int lines_ = 0;
};

/// Where the sums of a register tile read and write. There is one offset for each pixel.
template <class T>
struct tile_io {
    const tap_step* steps = nullptr;  ///< what is summed
    int step_count = 0;
    const T* x = nullptr;  ///< pixel r begins at x + x_at[r]
    const long* x_at = nullptr;
    T* y = nullptr;              ///< vector v of pixel r at y + y_at[r] + v*y_block
    const long* y_at = nullptr;
    long y_block = 0;
    const T* residual = nullptr;  ///< laid out as y is; nullptr: nothing is added
    const long* residual_at = nullptr;
    long residual_block = 0;
    const T* bias = nullptr;     ///< nullptr: y holds the sums of earlier parts
    const T* filters = nullptr;  ///< [product][NV vectors], in the steps' order
    bounds<T> within{};          ///< of what is written
    fetch_list<T> ahead;         ///< what is read soon
    /// What to fetch of that which the next tile, whose offsets follow, reads and writes.
    bool fetches_x = false;  ///< with the steps that are new
    bool fetches_y = false;
};

/// The sums of R pixels and NV vectors of channels, held in registers.
template <class T, int R, int NV>
using tile_sums = vec<T>[R][NV];

/// sums = bias + residual; 0 where y holds an earlier part's: that part is added when this one's sum is
/// done, so that the digits of a long sum are those of its parts.
template <class T, int R, int NV>
MPAR_ALWAYS_INLINE void begin_tile(const tile_io<T>& io, tile_sums<T, R, NV>& sums) {
    constexpr int V = lanes<T>;
    vec<T> bias[NV]{};
    if (io.bias) {
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) bias[v] = load<T>(io.bias + v * V);
    }
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) sums[r][v] = bias[v];
    }
    if (!io.residual) return;
    const T* const residual = io.residual;
    const long *const at = io.residual_at, block = io.residual_block;
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) sums[r][v] += load<T>(residual + at[r] + v * block);
    }
}

/// Asks for the lines in which sums of some pixels begin and end, `first` being the first: few at a
/// time, as the cache remembers few requests.
template <class T, int NV>
MPAR_ALWAYS_INLINE void fetch_sums(const tile_io<T>& io, int first) {
    constexpr int line = 64 / MPAR_VECTOR_BYTES;  // pixels
    const long *const y_at = io.y_at + first, *const residual_at = io.residual_at + first;
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
        const T* const y = io.y + v * io.y_block;
#pragma GCC unroll 4
        for (int r = 0; r < pixels_fetched; r += line) __builtin_prefetch(y + y_at[r], 1);
    }
    if (!io.residual) return;
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
        const T* const residual = io.residual + v * io.residual_block;
#pragma GCC unroll 4
        for (int r = 0; r < pixels_fetched; r += line) {
            __builtin_prefetch(residual + residual_at[r]);
        }
    }
}

/// What is asked of memory while a tile adds up: what is read soon, and what the next tile, whose
/// offsets follow, reads and writes.
template <class T, int R, int NV, bool Adjacent = false>
class tile_fetches {
public:
    MPAR_ALWAYS_INLINE explicit tile_fetches(const tile_io<T>& io)
        : io_(io), ahead_(io.ahead.from), asked_(io.fetches_y ? R : 2 * R) {
        const int for_sums = io.fetches_y ? (R + pixels_fetched - 1) / pixels_fetched : 0;
        const bool all = io.ahead.lines > 0 || io.fetches_x;
        end_ = io.steps + (all ? io.step_count : std::min(io.step_count, for_sums));
    }

    /// Asks, with a step of `io`, for the next tile's pixels for it, where they are to be asked
    /// for, and some of the sums.
    MPAR_ALWAYS_INLINE void fetch(const tap_step* step) {
        if (step >= end_) return;
        left_ = io_.ahead.lines;
        if (has_whole_blocks<T>) fetch_ahead(left_);
        if (io_.fetches_x && step->is_new) {
            constexpr int line = 64 / MPAR_VECTOR_BYTES;  // pixels that lie side by side
            const T* const x = io_.x + step->at;
            const long* const next = io_.x_at + R;
#pragma GCC unroll 32
            for (int r = 0; r < R; r += Adjacent ? line : 1) __builtin_prefetch(x + next[r]);
        }
        if (asked_ < 2 * R) {
            fetch_sums<T, NV>(io_, asked_);
            asked_ += pixels_fetched;
        }
    }
    /// Asks for some lines of the step's share of what is read soon.
    MPAR_ALWAYS_INLINE void fetch_ahead(int lines) {
        for (int i = std::min(left_, lines); i > 0; --i) {
            __builtin_prefetch(ahead_, 0, 2);
            ahead_ += io_.ahead.stride;
        }
        left_ -= lines;
    }
    /// Asks for the sums that no step had time for.
    MPAR_ALWAYS_INLINE void fetch_rest() {
        for (; asked_ < 2 * R; asked_ += pixels_fetched) fetch_sums<T, NV>(io_, asked_);
    }

private:
    const tile_io<T>& io_;
    const T* ahead_;
    int left_ = 0;  ///< lines of the step
    const tap_step* end_;  ///< from there on nothing is asked for
    int asked_;  ///< the first pixel whose sums were not asked for; the next tile's are [R, 2R)
};

/// The addresses of the inputs of a tile's pixels. They are hidden from gcc, which would otherwise
/// keep one for each pixel and each channel that is written out. There is one for each pixel where
/// there are registers for them; one of all where pixels are adjacent, or are so many that it has
/// to be combined with offsets.
template <class T, int R, bool Adjacent>
class tile_inputs {
public:
    MPAR_ALWAYS_INLINE explicit tile_inputs(const tile_io<T>& io) {
#pragma GCC unroll 32
        for (int r = 0; r < count; ++r) x_[r] = io.x + (has_offsets ? 0 : io.x_at[r]);
        start_ = x_[0];
#pragma GCC unroll 32
        for (int r = 0; r < R && has_offsets; ++r) offset_[r] = io.x_at[r];
    }
    /// Moves to the inputs of a step.
    MPAR_ALWAYS_INLINE void go_to(long at) {
        if constexpr (count == 1) {
            x_[0] = start_ + at;
            advance(0);
        } else {
            advance(start_ + at - x_[0]);
        }
    }
    /// Moves so many elements further.
    MPAR_ALWAYS_INLINE void advance(long by) {
#pragma GCC unroll 32
        for (int r = 0; r < count; ++r) {
            x_[r] += by;
            asm("" : "+r"(x_[r]));
        }
    }
    /// The input of pixel r in the i-th channel from here.
    MPAR_ALWAYS_INLINE const T* of(int r, int i) const {
        if constexpr (Adjacent) return x_[0] + r * lanes<T> + i;
        if constexpr (has_offsets) return x_[0] + offset_[r] + i;
        return x_[has_offsets ? 0 : r] + i;
    }

private:
    static constexpr bool has_offsets = !Adjacent && R > 6;
    static constexpr int count = Adjacent || has_offsets ? 1 : R;

    const T* x_[count];
    const T* start_;  ///< the first one, of no step
    long offset_[has_offsets ? R : 1];
};

/// sums += pixel r's x * filter, the products of some channels.
template <class T, int R, int NV, bool Adjacent, int Channels>
MPAR_ALWAYS_INLINE void add_products(tile_sums<T, R, NV>& sums,
                                     const tile_inputs<T, R, Adjacent>& x, const T* filter) {
    constexpr int V = lanes<T>;
#pragma GCC unroll 16
    for (int k = 0; k < Channels; ++k) {
        vec<T> w[NV];
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) load_in_order(w[v], filter + (k * NV + v) * V);
#pragma GCC unroll 32
        for (int r = 0; r < R; ++r) {
            vec<T> b;
            broadcast_in_order(b, x.of(r, k));
#pragma GCC unroll 2
            for (int v = 0; v < NV; ++v) add_in_order(sums[r][v], b, w[v]);
        }
    }
}

/// sums += y, which holds earlier parts, if there is no bias.
template <class T, int R, int NV>
MPAR_ALWAYS_INLINE void add_earlier_parts(const tile_io<T>& io, tile_sums<T, R, NV>& sums) {
    if (io.bias) return;
    const T* const y = io.y;
    const long *const at = io.y_at, block = io.y_block;
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) sums[r][v] += load<T>(y + at[r] + v * block);
    }
}

/// y = sums, between bounds; each is written as soon as it is there, since stores take their time.
template <class T, int R, int NV>
MPAR_ALWAYS_INLINE void end_tile(const tile_io<T>& io, tile_sums<T, R, NV>& sums) {
    T* const y = io.y;
    const long *const at = io.y_at, block = io.y_block;
    if (!io.within.any) {
#pragma GCC unroll 32
        for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
            for (int v = 0; v < NV; ++v) store<T>(y + at[r] + v * block, sums[r][v]);
        }
        return;
    }
    const vec<T> low = broadcast<T>(io.within.low), high = broadcast<T>(io.within.high);
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) {
            store<T>(y + at[r] + v * block, bounded<T>(sums[r][v], low, high));
        }
    }
}

/// y = bias + residual (or y) + sum over the steps and their channels of x * filters, one after the
/// other, between bounds: neither R nor the pixel's place changes a bit; the cut into calls does.
/// Adjacent: pixels lie side by side in x, so that one address serves all.
template <class T, int R, int NV, bool Adjacent = false>
void tile(const tile_io<T>& io) {
    constexpr int V = lanes<T>, filter_step = NV * V, some = channels_at_once<T>;
    tile_sums<T, R, NV> sums;
    begin_tile<T, R, NV>(io, sums);
    tile_fetches<T, R, NV, Adjacent> fetches(io);
    tile_inputs<T, R, Adjacent> x(io);
    const T* filter = io.filters;
    const tap_step* const end = io.steps + io.step_count;
    for (const tap_step* step = io.steps; step != end; ++step) {
        fetches.fetch(step);
        x.go_to(step->at);
        int left = step->count;
        if constexpr (has_whole_blocks<T>) {
            if (left == V) {
                add_products<T, R, NV, Adjacent, V>(sums, x, filter);
                filter += V * filter_step;
                continue;
            }
            if (left == 3) {  // an image's channels
                add_products<T, R, NV, Adjacent, 3>(sums, x, filter);
                filter += 3 * filter_step;
                continue;
            }
        } else {
            for (; left >= some; left -= some, filter += some * filter_step) {
                fetches.fetch_ahead(some);
                add_products<T, R, NV, Adjacent, some>(sums, x, filter);
                x.advance(some);
            }
        }
        for (; left > 0; --left, filter += filter_step) {
            add_products<T, R, NV, Adjacent, 1>(sums, x, filter);
            x.advance(1);
        }
    }
    fetches.fetch_rest();
    add_earlier_parts<T, R, NV>(io, sums);
    end_tile<T, R, NV>(io, sums);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
