// SPDX-License-Identifier: MIT
// The ways to compose layers into a net. Types only: they hold nothing and do nothing.
#pragma once

#include <mpar/layers/channels.hpp>
#include <mpar/layers/identity.hpp>
#include <mpar/shard/layout.hpp>
#include <mpar/shard/policy.hpp>

#include <type_traits>

namespace mpar {

/// Layers and blocks, one after the other.
template <class... Layers>
struct chain {};

/// y = Body(x) + Skip(x). The arms give the same shape; the plan brings them to one layout.
template <class Body, class Skip = identity>
struct residual {};

/// y = Body(x) * Gate(x), element by element. The gate gives the body's shape, or one row and column,
/// whose channels scale those of the body.
template <class Body, class Gate>
struct product {};

/// y = the channels of all arms, in their order; each arm reads the same x. The arms give the same rows
/// and columns; the plan brings them to one layout.
template <class... Arms>
struct concat {
    static_assert(sizeof...(Arms) > 0, "mpar: a concat has at least one arm");
};

/// The channels below `At` through `First`, the others through `Second`, and joined again.
template <int At, class First, class Second>
using split = concat<chain<channels<0, At>, First>, chain<channels<At>, Second>>;

/// The block `Times` times in a row, each with its own weights; instantiated once.
template <int Times, class Block>
struct repeat {
    static_assert(Times >= 0, "mpar: a block is repeated zero times or more");
};

/// A net's input: images of `Channels` x `Height` x `Width`. Its policy says what each rank passes:
/// everything (shard::none), its own rows, channels or images of the batch.
template <int Channels, int Height, int Width, class Policy = shard::none>
struct image {
    static_assert(Channels > 0 && Height > 0 && Width > 0, "mpar: an image has at least one pixel");
    static_assert(policy_type<Policy>,
                  "mpar: the last parameter of image is a policy of mpar::shard");
    static constexpr shape extents{1, Channels, Height, Width};
    static constexpr placing given =
        std::conditional_t<policy_type<Policy>, Policy, shard::none>::value;
};

/// A block: a named struct with `using layers = chain<...>;`. Its name is what messages print.
template <class B>
concept block_type = requires {
    typename B::layers;
};

/// A net: a block with `using input = image<...>;`.
template <class N>
concept network_type = block_type<N> && requires {
    { N::input::extents } -> std::convertible_to<shape>;
    { N::input::given } -> std::convertible_to<placing>;
};

}  // namespace mpar
