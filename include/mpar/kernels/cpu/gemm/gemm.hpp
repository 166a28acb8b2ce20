// SPDX-License-Identifier: MIT
// The product of two matrices, by the register tile, in blocks that the caches hold. Knows no rank.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/cpu/gemm/few_rows.hpp>
#include <mpar/kernels/cpu/gemm/packing.hpp>
#include <mpar/kernels/cpu/tile/panels.hpp>
#include <mpar/kernels/cpu/tile/tiles.hpp>
#include <mpar/tensor/matrix.hpp>
#include <mpar/tensor/memory.hpp>

#include <algorithm>
#include <type_traits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Sizes of blocks that suit the caches. How K is cut decides the bits, and is the same for all
/// products.
struct gemm_blocking {
    static constexpr long tiles = MPAR_VECTOR_BYTES == 64 ? 9 : 11;  ///< of a's rows, at most
    static constexpr long depth = 32768 / MPAR_VECTOR_BYTES;  ///< at most: a tile of a stays in L1
    static constexpr long panels_bytes = 4L << 20;            ///< of packed panels: part of L3
    static constexpr long panels_at_once = 256 / MPAR_VECTOR_BYTES;  ///< packed: pieces of b's rows
};

/// Whether products of two elements come in pairs: packing rows and columns in scale is for nothing
/// beside that, unless there are few of the others.
template <class T>
constexpr bool gemm_pairs(long rows, long columns, long depth) {
    return has_pairs<T> && rows >= pair_pixels && columns >= 64 &&
           depth >= 64;
}

/// Computes a product in blocks of a's rows, b's panels and K. With InPairs one multiplication
/// serves two products.
template <class T, bool InPairs>
class blocked_product {
public:
    static constexpr int V = lanes<T>;
    static constexpr int height = InPairs ? pair_pixels : tile_pixels;  ///< a tile's rows, at most
    static constexpr long width = 2 * V;                                ///< a panel's columns

    /// How many elements of workspace it needs.
    static long workspace(long rows, long columns, long depth) {
        const blocks b(rows, columns, depth);
        return packed_rows<T>(b.rows, b.depth) + b.panels * pitch(b.depth) + aside + 2 * most_rows;
    }

    blocked_product(matrix<const T> a, matrix<const T> b, matrix<T> c, bool adds, T* workspace,
                    const function_ref<void()>* between)
        : a_(a),
          b_(b),
          c_(c),
          adds_(adds),
          between_(between),
          block_(c.rows, c.columns, a.columns) {
        packed_a_ = workspace;
        panels_ = packed_a_ + packed_rows<T>(block_.rows, block_.depth);
        aside_ = panels_ + block_.panels * pitch(block_.depth);
        corrections_ = aside_ + aside;
        unscale_ = corrections_ + most_rows;
    }

    void run() {
        const long panels = ceil_div(c_.columns, width);
        const long parts = ceil_div(std::max(1L, a_.columns), block_.depth);
        const tiling tiles(c_.rows, height, !InPairs);
        const cutting groups(tiles.parts, ceil_div(tiles.parts, gemm_blocking::tiles));
        const cutting depths(ceil_div<long>(a_.columns, V), parts);
        const long at_once = groups.parts == 1 ? panels : block_.panels;  // each is packed once
        for (long first = 0; first < panels; first += at_once) {
            const long last = std::min(panels, first + at_once);
            for (long d = 0; d < parts; ++d) {
                k_ = {int(depths.begin(d) * V), int(std::min(a_.columns, depths.begin(d + 1) * V))};
                list_steps();
                for (long g = 0; g < groups.parts; ++g) {  // none of few rows
                    const long i = tiles.begin(groups.begin(g));
                    multiply(i, tiles.begin(groups.begin(g + 1)) - i, first, last, g == 0);
                }
            }
        }
    }

private:
    static constexpr long most_rows = gemm_blocking::tiles * height;
    static constexpr long aside = most_rows * width;
    static constexpr long head = InPairs ? pair_rows * width : 0;  ///< before a panel

    /// Elements from a panel to the next, so that equal places of several lie in different sets of
    /// L1.
    static constexpr long pitch(long depth) { return head + depth * width + 2 * width; }

    /// How much of a product is worked on at a time, at most: rows, panels and K.
    struct blocks {
        long rows, panels, depth;
        blocks(long all_rows, long columns, long all_depth)
            : rows(std::min(all_rows, most_rows)),
              panels(0),
              depth(std::min(round_up<long>(all_depth, V), gemm_blocking::depth)) {
            const long fit =
                gemm_blocking::panels_bytes / (width * std::max(1L, depth) * long(sizeof(T)));
            panels = std::min(ceil_div(columns, width), fit);
            if (all_rows <= rows) panels = std::min(panels, gemm_blocking::panels_at_once);
        }
    };

    void list_steps() {
        step_count_ = 0;
        for (int k = k_.lo; k < k_.hi; k += V) {
            steps_[step_count_] = {step_count_ * long(V), std::min(V, k_.hi - k)};
            ++step_count_;
        }
    }

    /// Adds a part of K to rows [i, i + count) and panels [first, last) of c.
    void multiply(long i, long count, long first, long last, bool packs) {
        const tiling cut(count, height, !InPairs);
        const auto a = a_.part(i, count, k_.lo, k_.size());
        pack_rows(a, cut, packed_a_);
        if constexpr (InPairs) pack_row_pairs(a, cut, packed_a_, corrections_, unscale_);
        constexpr long at_once = gemm_blocking::panels_at_once;
        for (long p = first; p < last; ++p) {
            T* const panel = panels_ + (p - first) % block_.panels * pitch(k_.size()) + head;
            const long j = p * width, columns = std::min(width, c_.columns - j);
            if (packs && (p - first) % at_once == 0) {
                pack_panels(j, std::min(std::min(last - p, at_once) * width, c_.columns - j),
                            panel);
            }
            const T* coming = nullptr;
            if (packs && p + at_once < last) coming = &b_(k_.lo, j + at_once * width);
            if (packs && p + at_once >= last && k_.hi < b_.rows) {
                coming = &b_(k_.hi, (first + (p - first) % at_once) * width);
            }
            multiply_panel(i, j, columns, cut, panel, coming);
            if (between_) (*between_)();
        }
    }

    /// Packs some neighbouring panels for a part of K.
    void pack_panels(long j, long columns, T* to) {
        pack_columns(b_.part(k_.lo, k_.size(), j, columns), to, pitch(k_.size()));
        if constexpr (InPairs) {
            for (long q = 0; q < ceil_div(columns, width); ++q) {
                pack_pairs(to + q * pitch(k_.size()), k_.size(), 2);
            }
        }
    }

    /// `coming`: the part of b in another panel that will be packed soon; nullptr: none.
    void multiply_panel(long i, long j, long columns, const tiling& cut, const T* panel,
                        const T* coming) {
        static constexpr T zeros[width] = {};
        const bool begins = k_.lo == 0 && !adds_, is_whole = columns == width;
        std::conditional_t<InPairs, paired_io<T>, tile_io<T>> io;
        tap_step steps[max_steps];
        long x_at[offsets], y_at[offsets];
        const long stride = is_whole ? c_.stride : width;
        for (int r = 0; r < offsets; ++r) x_at[r] = r * V, y_at[r] = r * stride;
        io.steps = steps;
        io.step_count = step_count_;
        io.x_at = x_at;
        io.y_at = y_at;
        io.y_block = V;
        io.bias = begins ? zeros : nullptr;
        io.filters = panel;
        const T* const next = panel + pitch(k_.size());
        const fetch_shares<T> ahead(next, k_.size() * width, std::min(cut.parts, 8L), step_count_);
        io.fetches_y = true;
        if constexpr (InPairs) io.head = panel - head;
        T* const c = c_.data + i * c_.stride + j;
        if (!is_whole && !begins) copy(dense(cut.count), {c, cut.count, columns, c_.stride});
        long rows = 0;
        for (long t = 0; t < cut.parts; ++t) {
            const long row = cut.begin(t), count = cut.begin(t + 1) - row;
            if (count !=
                rows) {  // a tile's rows lie side by side, so their number is the step's length
                rows = count;
                for (int s = 0; s < step_count_; ++s) {
                    steps[s] = {steps_[s].at * rows, steps_[s].count};
                }
            }
            io.x = packed_a_ + row * round_up<long>(k_.size(), V);
            io.y = is_whole ? c + row * stride : aside_ + row * width;
            io.ahead = ahead.of(t);
            if (coming) {  // a line of each row by one tile, spread over all; what is packed is near
                constexpr long lines = std::max(1L, width / line_elements<T>);
                const long every = std::max(1L, cut.parts / lines);
                const bool fetches = t % every == 0 && t / every < lines;
                io.ahead = {};
                if (fetches) io.ahead = {coming + t / every * line_elements<T>, V, b_.stride};
            }
            if constexpr (InPairs) {
                io.corrections = corrections_ + row;
                io.unscale = unscale_ + row;
                run_paired_tile(io, 2, count, true, true);
            } else {
                run_tile(io, 2, count, true);
            }
        }
        if (!is_whole) copy({c, cut.count, columns, c_.stride}, dense(cut.count));
    }

    matrix<T> dense(long rows) const { return {aside_, rows, width, width}; }

    /// Copies as many columns as the narrower of `to` and `from` has.
    static void copy(matrix<T> to, matrix<T> from) {
        const long columns = std::min(to.columns, from.columns);
        for (long i = 0; i < to.rows; ++i) std::copy_n(&from(i, 0), columns, &to(i, 0));
    }

    static constexpr int max_steps = int(gemm_blocking::depth) / V + 1;
    static constexpr int offsets = 2 * tile_pixels + pixels_fetched;

    matrix<const T> a_, b_;
    matrix<T> c_;
    bool adds_;
    const function_ref<void()>* between_;
    blocks block_;
    range k_;
    tap_step steps_[max_steps];
    int step_count_ = 0;
    T *packed_a_, *panels_, *aside_;
    T *corrections_, *unscale_;  ///< of a's packed rows
};

/// How many elements gemm needs besides for a product of that size.
template <class T>
long gemm_workspace(long rows, long columns, long depth) {
    if (rows <= few_rows) return 0;
    if (gemm_pairs<T>(rows, columns, depth)) {
        return blocked_product<T, true>::workspace(rows, columns, depth);
    }
    return blocked_product<T, false>::workspace(rows, columns, depth);
}

/// c = a * b, or c += a * b where `adds`.                                            [M, N]
/// requires: a is [M, K], b [K, N]; c overlaps neither; gemm_workspace() elements at `workspace`,
/// aligned to 64. `between` is called now and then, some ten microseconds apart.
template <class T>
void gemm(host_queue&, matrix<const std::type_identity_t<T>> a,
          matrix<const std::type_identity_t<T>> b, matrix<T> c, bool adds, T* workspace,
          const function_ref<void()>* between = nullptr) {
    if (c.empty()) return;
    if (a.columns <= 0) {
        for (long i = 0; i < (adds ? 0 : c.rows); ++i) std::fill_n(&c(i, 0), c.columns, T(0));
        return;
    }
    if (c.rows <= few_rows) return multiply_few_rows<T>(a, b, c, adds, between);
    if constexpr (gemm_pairs<T>(1000, 1000, 1000)) {
        if (gemm_pairs<T>(c.rows, c.columns, a.columns)) {
            return blocked_product<T, true>(a, b, c, adds, workspace, between).run();
        }
    }
    blocked_product<T, false>(a, b, c, adds, workspace, between).run();
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
