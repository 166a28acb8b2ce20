// SPDX-License-Identifier: MIT
// The register tile: R pixels x NV vectors of output channels. Knows pointers, no view, no layer.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/epilogue.hpp>
#include <mpar/kernels/cpu/vector.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Some channels of one block of x at one place of the window: `count` products a pixel.
struct tap_step {
    long at;  ///< from a pixel's first element of x
    int count;
    int row = 0, column = 0;  ///< of the window
};

/// Of how many pixels a tile fetches lines at a time; it may look at so many offsets beyond 2R.
inline constexpr int pixels_fetched = 4;

/// A tile's sums: where they read and write. Offsets are one per pixel.
template <class T>
struct tile_io {
    const tap_step* steps = nullptr;  ///< what is summed
    int step_count = 0;
    const T* x = nullptr;  ///< pixel r begins at x + x_at[r]
    const long* x_at = nullptr;
    T* y = nullptr;              ///< vector v of pixel r at y + y_at[r] + v*y_block
    const long* y_at = nullptr;
    long y_block = 0;
    const T* residual = nullptr;  ///< as y; nullptr: none
    const long* residual_at = nullptr;
    long residual_block = 0;
    const T* bias = nullptr;     ///< nullptr: y holds the sum so far
    const T* filters = nullptr;  ///< [product][NV vectors], in the steps' order
    const T* ahead = nullptr;    ///< fetched into the cache meanwhile, one line a product
    int ahead_step = 0;          ///< elements; 0: nothing to fetch
    bounds<T> within{};          ///< of what is written
    /// What to fetch of that which the next tile, whose offsets follow, reads and writes.
    const bool* fetches_x = nullptr;  ///< of each step; nullptr: nothing
    bool fetches_y = false;
};

/// Sums of R pixels and NV vectors of channels, in registers.
template <class T, int R, int NV>
using tile_sums = vec<T>[R][NV];

/// sums = bias + residual, or y + residual.
template <class T, int R, int NV>
MPAR_ALWAYS_INLINE void begin_tile(const tile_io<T>& io, tile_sums<T, R, NV>& sums) {
    constexpr int V = lanes<T>;
    if (io.bias) {
#pragma GCC unroll 32
        for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
            for (int v = 0; v < NV; ++v) sums[r][v] = load<T>(io.bias + v * V);
        }
    } else {
        const T* const y = io.y;
        const long *const at = io.y_at, block = io.y_block;
#pragma GCC unroll 32
        for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
            for (int v = 0; v < NV; ++v) sums[r][v] = load<T>(y + at[r] + v * block);
        }
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

/// What the next tile, whose offsets follow, wants of memory, asked for while this one adds up.
template <class T, int R, int NV>
class next_tile {
public:
    MPAR_ALWAYS_INLINE explicit next_tile(const tile_io<T>& io)
        : io_(io), asked_(io.fetches_y ? R : 2 * R) {}

    /// Its pixels of x for a step of `io`, where they are to be asked for, and some of its sums.
    MPAR_ALWAYS_INLINE void fetch(const tap_step* step) {
        if (io_.fetches_x && io_.fetches_x[step - io_.steps]) {
            const long* const next = io_.x_at + R;
#pragma GCC unroll 32
            for (int r = 0; r < R; ++r) __builtin_prefetch(io_.x + step->at + next[r]);
        }
        if (asked_ < 2 * R) {
            fetch_sums<T, NV>(io_, asked_);
            asked_ += pixels_fetched;
        }
    }
    /// The sums that no step had time for.
    MPAR_ALWAYS_INLINE void fetch_rest() {
        for (; asked_ < 2 * R; asked_ += pixels_fetched) fetch_sums<T, NV>(io_, asked_);
    }

private:
    const tile_io<T>& io_;
    int asked_;  ///< the first pixel whose sums were not asked for; the next tile's are [R, 2R)
};

/// sums += pixel r's x * filter, the products of one channel. `at`: where pixels begin.
template <class T, int R, int NV, bool Adjacent>
MPAR_ALWAYS_INLINE void add_products(tile_sums<T, R, NV>& sums, const T* x, const long (&at)[R],
                                     const T* filter) {
    // Each channel has its own pointer: else gcc keeps R more addresses for the second of a pair.
    asm("" : "+r"(x));
    vec<T> w[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) {
        w[v] = load<T>(filter + v * lanes<T>);
        MPAR_KEEP_IN_REGISTER(w[v]);  // else gcc loads it again for each pixel
    }
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) {
        const vec<T> b = broadcast<T>(Adjacent ? x[r * lanes<T>] : x[at[r]]);
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) sums[r][v] += b * w[v];
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
/// other, between bounds: neither R nor the pixel's place nor the cut into calls changes a bit.
/// Adjacent: pixels lie side by side in x, so that one address serves all.
template <class T, int R, int NV, bool Adjacent = false>
void tile(const tile_io<T>& io) {
    constexpr int filter_step = NV * lanes<T>;
    tile_sums<T, R, NV> sums;
    long at[R];
    begin_tile<T, R, NV>(io, sums);
    next_tile<T, R, NV> next(io);
#pragma GCC unroll 32
    for (int r = 0; r < R; ++r) at[r] = Adjacent ? 0 : io.x_at[r];
    const T* const x = io.x + (Adjacent ? io.x_at[0] : 0);
    const T *filter = io.filters, *ahead = io.ahead;
    const long ahead_step = io.ahead_step;
    const tap_step* const end = io.steps + io.step_count;
    for (const tap_step* step = io.steps; step != end; ++step) {
        const T* p = x + step->at;
        const T* const last = p + step->count;
        next.fetch(step);
        for (; p + 1 < last; p += 2) {
            __builtin_prefetch(ahead, 0, 2);
            add_products<T, R, NV, Adjacent>(sums, p, at, filter);
            __builtin_prefetch(ahead + ahead_step, 0, 2);
            add_products<T, R, NV, Adjacent>(sums, p + 1, at, filter + filter_step);
            filter += 2 * filter_step;
            ahead += 2 * ahead_step;
        }
        if (p < last) {
            __builtin_prefetch(ahead, 0, 2);
            add_products<T, R, NV, Adjacent>(sums, p, at, filter);
            filter += filter_step;
            ahead += ahead_step;
        }
    }
    next.fetch_rest();
    end_tile<T, R, NV>(io, sums);
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
