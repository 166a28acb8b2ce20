// SPDX-License-Identifier: MIT
// The axes of a mesh of ranks, and where one of them sits. Knows no tensor.
#pragma once

namespace mpar {

/// A mesh is data x first x second: the model axis is first x second, second being 1 where it has
/// one dimension. Ranks are numbered with the second axis running fastest.
enum class mesh_axis : unsigned char { data, first, second };

/// The second extent of a model axis of so many ranks, where none was given. It is the greatest
/// divisor up to the square root. 2 -> 1, 4 -> 2, 6 -> 2, 8 -> 2, 12 -> 3.
constexpr int near_square(int ranks) {
    int best = 1;
    for (int d = 2; d * d <= ranks; ++d) {
        if (ranks % d == 0) best = d;
    }
    return best;
}

/// A seat: one place on a mesh, which a rank takes, or a team of ranks.
struct seat {
    int rank = 0, ranks = 1;
    int data = 1;    ///< extent of the data axis; divides ranks
    int second = 0;  ///< extent of the model axis' second dimension; 0: near_square()

    constexpr int model() const { return ranks / data; }
    constexpr int extent(mesh_axis a) const {
        const int q = second ? second : near_square(model());
        switch (a) {
            case mesh_axis::data: return data;
            case mesh_axis::first: return model() / q;
            case mesh_axis::second: return q;
        }
        return 1;
    }
    constexpr int place(mesh_axis a) const {
        const int q = extent(mesh_axis::second);
        switch (a) {
            case mesh_axis::data: return rank / model();
            case mesh_axis::first: return rank % model() / q;
            case mesh_axis::second: return rank % q;
        }
        return 0;
    }
    /// The seat of another number on the same mesh.
    constexpr seat at(int other) const { return {other, ranks, data, second}; }
};

/// Axes that cut one dimension, the outermost first. Two numbers, since plans at compile time have
/// thousands of them.
struct axes {
    int digits = 0;  ///< two bits an axis, from the lowest on
    int count = 0;

    constexpr axes() = default;
    template <class... A>
    constexpr explicit(false) axes(mesh_axis one, A... more) {
        add(one);
        (add(more), ...);
    }

    constexpr mesh_axis operator[](int i) const { return mesh_axis(digits >> 2 * i & 3); }
    constexpr void add(mesh_axis a) { digits |= int(a) << 2 * count++; }

    constexpr bool empty() const { return count == 0; }
    constexpr bool has(mesh_axis a) const {
        for (int i = 0; i < count; ++i) {
            if ((*this)[i] == a) return true;
        }
        return false;
    }
    /// The axes of this list, followed by those of another.
    constexpr axes then(const axes& those) const {
        axes all = *this;
        for (int i = 0; i < those.count; ++i) all.add(those[i]);
        return all;
    }
    /// The outermost axes that both lists begin with: cuts nest, so a part along these contains the
    /// seat's parts along either list.
    constexpr axes common(const axes& those) const {
        axes both;
        for (int i = 0; i < count && i < those.count && (*this)[i] == those[i]; ++i) {
            both.add(those[i]);
        }
        return both;
    }
    /// Into how many parts they cut, and which of them a seat has.
    constexpr int parts(const seat& who) const {
        int product = 1;
        for (int i = 0; i < count; ++i) product *= who.extent((*this)[i]);
        return product;
    }
    constexpr int part(const seat& who) const {
        int index = 0;
        for (int i = 0; i < count; ++i) {
            index = index * who.extent((*this)[i]) + who.place((*this)[i]);
        }
        return index;
    }
    constexpr bool operator==(const axes&) const = default;
};

/// Both dimensions of the model axis.
inline constexpr axes model_axes{mesh_axis::first, mesh_axis::second};

}  // namespace mpar
