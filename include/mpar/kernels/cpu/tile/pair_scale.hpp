// SPDX-License-Identifier: MIT
// What paired products ask of their factors: a common scale, and the sums that are taken away. Knows
// pointers, no view, no layer.
//
// The error of a pair is that of (|x| + |y|)^2 in place of |x|*|y|: as good as the direct one's where both
// are about as large. So filters, and the rows and columns of matrices, are packed times powers of two
// that make their mean square about 1, which loses no bit; pixels, which lie where they are, have direct
// sums where theirs is far from it.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/kernels/cpu/multiply_add.hpp>
#include <mpar/kernels/cpu/tile/pairs.hpp>
#include <mpar/kernels/cpu/vector.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// The power of two that brings a mean square to 1, or within a factor of 2 of it. It is 1 for a
/// mean square of zero, or one that is no number.
inline double pair_scale(double mean_square) {
    if (!(mean_square > 0) || mean_square > std::numeric_limits<double>::max()) return 1;
    constexpr int mantissa = 52, bias = 1023, most = 100;
    const int exponent = int(std::bit_cast<std::uint64_t>(mean_square) >> mantissa) - bias;
    const int root = std::clamp((exponent + 1) >> 1, -most, most);
    return std::bit_cast<double>(std::uint64_t(bias - root) << mantissa);
}

/// What undoes that scale. For zeros it is 0, so that no rounding of what is taken away is left.
inline double pair_unscale(double mean_square) {
    return mean_square == 0 ? 0 : 1 / pair_scale(mean_square);
}

/// The mean square of `count` numbers that lie `step` apart.
template <class T>
double mean_square(const T* x, long count, long step) {
    double sum = 0;
    for (long i = 0; i < count; ++i) {
        sum = multiply_add(double(x[i * step]), double(x[i * step]), sum);
    }
    return count > 0 ? sum / double(count) : 0;
}

/// Whether a sum of squares in T tells their size: none is lost, and none is beyond T's range.
template <class T>
bool is_plain(T squares) {
    return squares > T(1e-20) && squares < T(1e20);
}

/// Where lanes go in pair_sums, lane by lane. Lanes V and beyond are those of a second vector.
template <class T>
struct lane_pairs {
    static constexpr int V = lanes<T>, half = V / 2;

    /// What each is multiplied by: the first of a pair by the second, all others by themselves.
    int partner[V] = {};
    /// The sign of that product.
    alignas(64) T sign[V] = {};
    /// Pairs lie in the first half, what else there is in the second, which takes two passes; of the
    /// second vector, zeros, come the rest.
    int fold[2][V] = {};

    static constexpr bool is_first(int lane) { return lane % 3 == 0 && lane / 3 < threes<T>; }
    constexpr lane_pairs() {
        for (auto& pass : fold) std::fill_n(pass, V, V);
        int pairs = 0, others = 0;
        for (int i = 0; i < V; ++i) {
            partner[i] = i + is_first(i);
            sign[i] = is_first(i) ? T(pair_sign(i / 3)) : T(1);
            if (is_first(i))
                fold[0][pairs++] = i;
            else
                fold[others / half][half + others % half] = i, ++others;
        }
    }
};

template <class T>
inline constexpr lane_pairs<T> lane_table{};

/// Lane i of the result is lane of[i] of a and b.
template <class T, class F, std::size_t... I>
MPAR_ALWAYS_INLINE vec<T> shuffled(const vec<T>& a, const vec<T>& b, F, std::index_sequence<I...>) {
#if defined(__clang__)
    return __builtin_shufflevector(a, b, F::of(int(I))...);
#else  // nvcc's front end cannot hand a pack of indices on to the compiler behind it
    using index = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    typedef index indices __attribute__((vector_size(sizeof(vec<T>))));
    constexpr indices of = {index(F::of(int(I)))...};
    return __builtin_shuffle(a, b, of);
#endif
}

/// Lanes of groups of 2 Step lanes, all added up.
template <class T, int Step>
MPAR_ALWAYS_INLINE vec<T> add_up(const vec<T>& v) {
    struct other {
        static constexpr int of(int i) { return i ^ Step; }
    };
    constexpr std::make_index_sequence<lanes<T>> all;
    const vec<T> sum = v + shuffled<T>(v, v, other{}, all);
    if constexpr (Step > 1) return add_up<T, Step / 2>(sum);
    return sum;
}

/// The sums that paired products need of the channels of a pixel.
template <class T>
struct pixel_sums {
    T pairs;        ///< x0 * x1 of its pairs, with their signs
    T mean_square;  ///< of those that are not the first of a pair
};

/// These sums over `blocks` whole blocks of channels.
template <class T>
MPAR_ALWAYS_INLINE pixel_sums<T> pair_sums(const T* x, long stride_c, int blocks) {
    constexpr int half = lane_pairs<T>::half;
    struct partner {
        static constexpr int of(int i) { return lane_table<T>.partner[i]; }
    };
    struct first {
        static constexpr int of(int i) { return lane_table<T>.fold[0][i]; }
    };
    struct second {
        static constexpr int of(int i) { return lane_table<T>.fold[1][i]; }
    };
    constexpr std::make_index_sequence<lanes<T>> all;
    vec<T> sums{};
    for (int b = 0; b < blocks; ++b, x += stride_c) {
        const vec<T> v = load<T>(x);
        sums = multiply_add(v, shuffled<T>(v, v, partner{}, all), sums);
    }
    sums *= load<T>(lane_table<T>.sign);
    sums = shuffled<T>(sums, vec<T>{}, first{}, all) + shuffled<T>(sums, vec<T>{}, second{}, all);
    sums = add_up<T, half / 2>(sums);
    return {sums[0], sums[half] / (T(std::max(1, blocks)) * (lanes<T> - threes<T>))};
}

/// Whether a pixel's mean square is near that which filters are scaled for.
template <class T>
bool is_near(T mean_square, T usual) {
    constexpr T most = 256;
    return mean_square * most >= usual && mean_square <= most * usual;
}

/// The correction of a pixel whose mean square is far from that: it has direct sums.
template <class T>
inline constexpr T no_correction = std::numeric_limits<T>::max();

/// What a pixel's pairs add to its sums, or no_correction. It follows from the pixel's channels
/// alone.
template <class T>
MPAR_ALWAYS_INLINE T pixel_correction(const T* x, long stride_c, int blocks) {
    const auto [pairs, square] = pair_sums(x, stride_c, blocks);
    return is_near(square, T(1)) ? pairs : no_correction<T>;
}

/// The sum of y0 * y1 over the pairs of a vector of filters, with their signs. read(k, i) gives that of
/// channel k, and is called for all in their order; i: of a three.
template <class T, class Read>
MPAR_ALWAYS_INLINE vec<T> filter_pairs(int channels, Read read) {
    constexpr int V = lanes<T>;
    vec<T> pairs{};
    int k = 0;
    while (k + V <= channels) {
        for (int i = 0; i < threes<T>; ++i, k += 3) {
            const vec<T> first = read(k, 0), second = read(k + 1, 1);
            pairs = multiply_add(first * T(pair_sign(i)), second, pairs);
            read(k + 2, 2);
        }
        for (; k % V != 0; ++k) read(k, 0);
    }
    for (; k < channels; ++k) read(k, 0);
    return pairs;
}

/// What a panel of paired products has before its filters, each a row of it: the powers of two by
/// which they are multiplied, what undoes that, and the sums of y0 * y1.
inline constexpr int pair_rows = 3;

/// Puts the filters of a panel, `channels` rows at `to`, in the scale of inputs whose mean square is
/// `usual` where they are far from it, and writes what stands before them.
template <class T>
void pack_pairs(T* to, int channels, int vectors, double usual = 1) {
    constexpr int V = lanes<T>;
    constexpr double far = 4;
    const long width = vectors * V;
    for (T* const end = to + width; to < end; to += V) {
        vec<T> squares[3] = {};
        vec<T> pairs = filter_pairs<T>(channels, [&](int k, int i) {
            const vec<T> y = load<T>(to + k * width);
            squares[i] = multiply_add(y, y, squares[i]);
            return y;
        });
        squares[0] += squares[1] + squares[2];
        vec<T> scale{}, unscale{};
        bool is_scaled = false;
        for (int o = 0; o < V; ++o) {
            const T sum = squares[0][o];
            const double square =
                (is_plain(sum) ? double(sum) / channels : mean_square(to + o, channels, width)) /
                usual;
            const bool is_far = !(square * far >= 1 && square <= far);
            scale[o] = is_far ? T(pair_scale(square)) : T(1);
            unscale[o] = is_far ? T(pair_unscale(square)) : T(1);
            is_scaled = is_scaled || scale[o] != T(1);
        }
        if (is_scaled) {
            pairs = filter_pairs<T>(channels, [&](int k, int) {
                const vec<T> y = load<T>(to + k * width) * scale;
                store<T>(to + k * width, y);
                return y;
            });
        }
        T* const head = to - pair_rows * width;
        store<T>(head, scale);
        store<T>(head + width, unscale);
        store<T>(head + 2 * width, pairs);
    }
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
