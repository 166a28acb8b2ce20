// SPDX-License-Identifier: MIT
// A draft as a net's type, as a user writes one. Knows nothing of graphs and plans.
#pragma once

#include "support/draft.hpp"

#include <mpar/nets.hpp>

#include <cstddef>
#include <ratio>
#include <type_traits>
#include <utility>

namespace mpar_test {

template <unsigned Seed>
inline constexpr draft draft_of = drawn(Seed);

namespace drafted {

template <class T>
using is = std::type_identity<T>;

template <mpar::policy P, int Stage>
consteval auto policy_type() {
    using enum mpar::policy;
    namespace shard = mpar::shard;
    // clang-format off
    if constexpr (P == none) return is<shard::none>{};
    else if constexpr (P == batch) return is<shard::batch>{};
    else if constexpr (P == rows) return is<shard::rows>{};
    else if constexpr (P == cols) return is<shard::cols>{};
    else if constexpr (P == tiles) return is<shard::tiles>{};
    else if constexpr (P == output) return is<shard::output>{};
    else if constexpr (P == input) return is<shard::input>{};
    else if constexpr (P == grid) return is<shard::grid>{};
    else if constexpr (P == stage) return is<shard::stage<Stage>>{};
    else if constexpr (P == automatic) return is<shard::automatic>{};
    else return is<shard::follow>{};
    // clang-format on
}
template <unsigned Seed, int At>
using policy_at = typename decltype(policy_type<draft_of<Seed>[At].asks.how,
                                                draft_of<Seed>[At].asks.stage>())::type;

/// window<...> where it is square, oblong<...> where it is not.
template <unsigned Seed, int At>
consteval auto window_at() {
    constexpr line l = draft_of<Seed>[At];
    constexpr mpar::taps h = l.rows, w = l.columns;
    using given = mpar::pad<h.before, h.after, w.before, w.after>;
    using padding = std::conditional_t<
        l.how == mpar_test::padding::same, mpar::same,
        std::conditional_t<l.how == mpar_test::padding::centred, mpar::centred, given>>;
    using dilation = mpar::dilation<h.dilation, w.dilation>;
    if constexpr (h.kernel == w.kernel && h.stride == w.stride) {
        return is<mpar::window<h.kernel, h.stride, padding, dilation>>{};
    } else {
        return is<mpar::oblong<mpar::kernel<h.kernel, w.kernel>, mpar::stride<h.stride, w.stride>,
                               padding, dilation>>{};
    }
}

template <unsigned Seed, int At>
consteval auto convolution_at() {
    constexpr line l = draft_of<Seed>[At];
    using window = typename decltype(window_at<Seed, At>())::type;
    using policy = policy_at<Seed, At>;
    using mpar::conv2d, mpar::groups, mpar::with_bias;
    if constexpr (l.groups > 1 && l.groups == l.in.c && l.out == l.in.c && l.bias) {
        return is<mpar::depthwise_conv2d<l.out, window, with_bias, policy>>{};
    } else if constexpr (l.groups > 1 && l.bias) {
        return is<conv2d<l.in.c, l.out, window, policy, with_bias, groups<l.groups>>>{};
    } else if constexpr (l.groups > 1) {
        return is<conv2d<l.in.c, l.out, window, groups<l.groups>, policy>>{};
    } else if constexpr (l.bias) {
        return is<conv2d<l.in.c, l.out, window, with_bias, policy>>{};
    } else if constexpr (l.asks.how == mpar::policy::none) {
        return is<conv2d<l.in.c, l.out, window>>{};
    } else {
        return is<conv2d<l.in.c, l.out, window, policy>>{};
    }
}

template <unsigned Seed, int At>
consteval auto norm_at() {
    constexpr line l = draft_of<Seed>[At];
    if constexpr (l.is_keras) {
        return is<mpar::batch_norm<l.in.c, std::ratio<1, 1000>>>{};
    } else {
        return is<mpar::batch_norm<l.in.c>>{};
    }
}

template <unsigned Seed, int At>
consteval auto pool_at() {
    constexpr line l = draft_of<Seed>[At];
    using window = typename decltype(window_at<Seed, At>())::type;
    using policy = policy_at<Seed, At>;
    if constexpr (l.is == word::max_pool) {
        return is<mpar::max_pool<window, policy>>{};
    } else if constexpr (l.counts) {
        return is<mpar::avg_pool<window, mpar::count_padding, policy>>{};
    } else {
        return is<mpar::avg_pool<window, mpar::ignore_padding, policy>>{};
    }
}

template <unsigned Seed, int At>
consteval auto pad_at() {
    constexpr line l = draft_of<Seed>[At];
    using margin = mpar::pad<l.rows.before, l.rows.after, l.columns.before, l.columns.after>;
    using policy = policy_at<Seed, At>;
    if constexpr (l.fill.with == mpar::border::kind::reflect) {
        return is<mpar::pad2d<margin, mpar::fill_reflect, policy>>{};
    } else if constexpr (l.fill.with == mpar::border::kind::edge) {
        return is<mpar::pad2d<margin, mpar::fill_edge, policy>>{};
    } else {
        return is<
            mpar::pad2d<margin, mpar::fill_constant<std::ratio<int(l.fill.value)>>, policy>>{};
    }
}

template <unsigned Seed, int At>
consteval auto word_at();

/// The numbers of the lines that stand side by side in [First, End).
template <unsigned Seed, int First, int End>
consteval auto side_by_side() {
    constexpr auto count = [] {
        std::size_t n = 0;
        for (int i = First; i < End; i = draft_of<Seed>[i].end) ++n;
        return n;
    }();
    std::array<int, count> all{};
    for (int i = First, n = 0; i < End; i = draft_of<Seed>[i].end) all[std::size_t(n++)] = i;
    return all;
}
template <unsigned Seed, int First, int End>
inline constexpr auto numbers = side_by_side<Seed, First, End>();

/// Template<types of those lines...>.
template <template <class...> class Template, unsigned Seed, int First, int End>
consteval auto all_in() {
    return []<std::size_t... I>(std::index_sequence<I...>) {
        return is<
            Template<typename decltype(word_at<Seed, numbers<Seed, First, End>[I]>())::type...>>{};
    }
    (std::make_index_sequence<numbers<Seed, First, End>.size()>{});
}
template <template <class...> class Template, unsigned Seed, int At>
using inside = typename decltype(all_in<Template, Seed, At + 1, draft_of<Seed>[At].end>())::type;

template <unsigned Seed, int At>
struct block {
    using layers = inside<mpar::chain, Seed, At>;
};

/// A block, the only layer that stands in it, or a chain.
template <unsigned Seed, int At>
consteval auto arm_at() {
    constexpr int end = draft_of<Seed>[At].end;
    if constexpr (draft_of<Seed>[At].is_named) {
        return is<block<Seed, At>>{};
    } else if constexpr (draft_of<Seed>[At + 1].end == end) {
        return word_at<Seed, At + 1>();
    } else {
        return is<inside<mpar::chain, Seed, At>>{};
    }
}

template <unsigned Seed, int At>
consteval auto repeat_at() {
    using block = typename decltype(arm_at<Seed, At + 1>())::type;
    return is<mpar::repeat<draft_of<Seed>[At].times, block>>{};
}

template <unsigned Seed, int At>
consteval auto word_at() {
    constexpr line l = draft_of<Seed>[At];
    using policy = policy_at<Seed, At>;
    // clang-format off
    if constexpr (l.is == word::conv2d) return convolution_at<Seed, At>();
    else if constexpr (l.is == word::batch_norm) return norm_at<Seed, At>();
    else if constexpr (l.is == word::relu) return is<mpar::relu>{};
    else if constexpr (l.is == word::relu6) return is<mpar::relu6>{};
    else if constexpr (l.is == word::leaky_relu) return is<mpar::leaky_relu<>>{};
    else if constexpr (l.is == word::silu) return is<mpar::silu>{};
    else if constexpr (l.is == word::max_pool) return pool_at<Seed, At>();
    else if constexpr (l.is == word::avg_pool) return pool_at<Seed, At>();
    else if constexpr (l.is == word::pad2d) return pad_at<Seed, At>();
    else if constexpr (l.is == word::channels) return is<mpar::channels<l.first, l.last, policy>>{};
    else if constexpr (l.is == word::dropout) return is<mpar::dropout<>>{};
    else if constexpr (l.is == word::identity) return is<mpar::identity>{};
    else if constexpr (l.is == word::global_avg_pool) return is<mpar::global_avg_pool>{};
    else if constexpr (l.is == word::flatten) return is<mpar::flatten>{};
    else if constexpr (l.is == word::dense) return is<mpar::dense<l.in.c, l.out, policy>>{};
    else if constexpr (l.is == word::softmax) return is<mpar::softmax>{};
    else if constexpr (l.is == word::residual) return is<inside<mpar::residual, Seed, At>>{};
    else if constexpr (l.is == word::product) return is<inside<mpar::product, Seed, At>>{};
    else if constexpr (l.is == word::concat) return is<inside<mpar::concat, Seed, At>>{};
    else if constexpr (l.is == word::repeat) return repeat_at<Seed, At>();
    else return arm_at<Seed, At>();
    // clang-format on
}

}  // namespace drafted

/// The net of a seed as a type.
template <unsigned Seed>
struct random_net {
    using input =
        mpar::image<draft_of<Seed>.input.c, draft_of<Seed>.input.h, draft_of<Seed>.input.w,
                    typename decltype(drafted::policy_type<draft_of<Seed>.given.how, 0>())::type>;
    using layers =
        typename decltype(drafted::all_in<mpar::chain, Seed, 0, draft_of<Seed>.count>())::type;
};

}  // namespace mpar_test
