// SPDX-License-Identifier: MIT
// Which tiles of a unit take part in a product of Winograd's filtering: the last row and column of
// tiles may have too few outputs for it. Knows the division, no element.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/winograd/division.hpp>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Lists, for each group of a unit, the tiles that need a product, as offsets of inputs and
/// products.
template <class T>
class winograd_places {
public:
    /// Some tiles of a group.
    struct list {
        const long *x_at, *y_at;
        long count;
        bool adjacent;
    };

    /// requires: at most unit_tiles in the groups [first, last).
    winograd_places(const winograd_division<T>& d, long first, long last) : d_(d) {
        constexpr int V = lanes<T>;
        const tile_grid& grid = d.grid;
        const long begin = d.groups.begin(first);
        int row = int(begin / grid.columns % grid.rows), column = int(begin % grid.columns);
        long at[kinds] = {};
        for (long g = first; g < last; ++g) {
            const long from = d.groups.begin(g), to = d.groups.begin(g + 1);
            for (int kind = 0; kind < kinds; ++kind) begins_[kind][g - first] = at[kind];
            for (long t = from; t < to; ++t) {
                const int ends = (row == grid.rows - 1) + 2 * (column == grid.columns - 1);
                for (int kind = 0; kind < kinds; ++kind) {
                    if (kind & ends) continue;
                    x_at_[kind][at[kind]] = (t - from) * V;
                    y_at_[kind][at[kind]++] = (t - begin) * d.tile_step;
                }
                if (++column < grid.columns) continue;
                column = 0;
                row = row + 1 < grid.rows ? row + 1 : 0;
            }
        }
        for (int kind = 0; kind < kinds; ++kind) begins_[kind][last - first] = at[kind];
    }

    /// The tiles of group `group`, counted from the unit's first, that need the product of a row
    /// and column.
    list of(long group, long row, long column) const {
        const int kind = !d_.needs(d_.grid.last_rows, row) +
                         2 * !d_.needs(d_.grid.last_columns, column);
        const long begin = begins_[kind][group], count = begins_[kind][group + 1] - begin;
        const long* const x = x_at_[kind] + begin;
        return {x, y_at_[kind] + begin, count,
                count > 0 && x[count - 1] - x[0] == (count - 1) * lanes<T>};
    }

private:
    static constexpr int kinds = 4;  ///< all; without the last row; the last column; both
    static constexpr int most = winograd_division<T>::unit_tiles;

    const winograd_division<T>& d_;
    long x_at_[kinds][most], y_at_[kinds][most];
    long begins_[kinds][most + 1];
};

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
