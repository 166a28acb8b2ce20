// SPDX-License-Identifier: MIT
// What a wrong net says: one sentence, at compile time or when thrown. Knows no net.
#pragma once

#include <mpar/net/graph/place.hpp>
#include <mpar/operators/misfit.hpp>
#include <mpar/shard/policy.hpp>

#include <string>

namespace mpar {

/// The first fault of a net, found while it is lowered.
struct mismatch {
    using kind = misfit;

    kind what = kind::none;
    int node = -1;  ///< of the graph
    std::string_view layer;
    place where;
    int takes = 0, gives = 0;  ///< the two numbers
    policy asked = policy::none;

    constexpr explicit operator bool() const { return what != kind::none; }
};

/// The sentence: `mpar: conv2d<128, 256> takes 128 channels, the layer before gives 64 (chain
/// position 5, stem)`.
[[gnu::cold]] inline std::string sentence(const mismatch& m) {
    const std::string layer(m.layer), takes = std::to_string(m.takes),
                                      gives = std::to_string(m.gives);
    std::string words = "mpar: " + layer;
    switch (m.what) {
        case mismatch::kind::none: return {};
        case mismatch::kind::channels:
            words += " takes " + takes + " channels, the layer before gives " + gives;
            break;
        case mismatch::kind::groups:
            words += " has " + takes + " groups, which do not divide its " + gives + " channels";
            break;
        case mismatch::kind::window:
            words +=
                " has a window over " + takes + " rows or columns, the layer before gives " + gives;
            break;
        case mismatch::kind::features:
            words += " takes vectors of " + takes + " features, the layer before gives " + gives +
                     " pixels a channel (flatten or global_avg_pool comes between)";
            break;
        case mismatch::kind::arms:
            words += "'s body gives an extent of " + takes + ", its skip gives " + gives;
            break;
        case mismatch::kind::gate:
            words += "'s body gives an extent of " + takes + ", its gate gives " + gives;
            break;
        case mismatch::kind::concat:
            words += "'s arms give " + takes + " and " + gives +
                     " rows or columns: channels are joined of images of one size";
            break;
        case mismatch::kind::slice:
            words += " takes channels up to " + takes + ", the layer before gives " + gives;
            break;
        case mismatch::kind::mirror:
            words += " mirrors " + takes + " rows or columns, the layer before gives " + gives;
            break;
        case mismatch::kind::policy:
            words += " cannot follow shard::" + std::string(name_of(m.asked)) +
                     ": every output reads all " + takes + " rows and columns of its input, " +
                     gives + " of them here";
            break;
        case mismatch::kind::summands:
            words += " cannot follow shard::" + std::string(name_of(m.asked)) +
                     ": an output sums over " + takes + " of the " + gives + " input channels";
            break;
        case mismatch::kind::unplanned:
            words += " asks for shard::automatic, which a planner has not decided";
            break;
        case mismatch::kind::depth:
            words += " lies " + takes + " blocks deep, a net may have " + gives;
            break;
    }
    words += " (chain position " + std::to_string(m.where.position());
    if (!m.where.block.empty()) words += ", " + std::string(m.where.block);
    return words + ")";
}

// At compile time g++ prints the literal and the instantiated type, which names layer and numbers.
namespace detail {

template <int Position>
struct at {};
template <int Number>
struct takes {};
template <int Number>
struct gives {};

/// The sentences of the compile errors, one for each fault. To instantiate it with a fault is the
/// error.
template <misfit Fault, class At, class Layer, class Takes, class Gives>
struct explain {
    using is = misfit;
    static_assert(Fault != is::channels,
                  "mpar: a layer takes other channels than the layer before gives");
    static_assert(Fault != is::groups, "mpar: a convolution's groups do not divide its channels");
    static_assert(Fault != is::window,
                  "mpar: a layer's window does not fit into what the layer before gives");
    static_assert(
        Fault != is::features,
        "mpar: dense takes vectors, the layer before gives images: flatten comes between");
    static_assert(Fault != is::arms, "mpar: the arms of a residual give different shapes");
    static_assert(Fault != is::gate,
                  "mpar: a product's gate gives neither its body's shape nor one pixel");
    static_assert(Fault != is::concat, "mpar: the arms of a concat give other rows or columns");
    static_assert(Fault != is::slice,
                  "mpar: a layer takes channels beyond those of the layer before");
    static_assert(Fault != is::mirror, "mpar: a pad mirrors more rows than the layer before gives");
    static_assert(Fault != is::policy,
                  "mpar: a layer cannot follow its policy: every output reads all rows");
    static_assert(
        Fault != is::summands,
        "mpar: a layer cannot follow its policy: an output does not sum over all input channels");
    static_assert(Fault != is::unplanned,
                  "mpar: a layer asks for shard::automatic, which a planner has not decided");
    static_assert(Fault != is::depth, "mpar: a net's blocks lie too deep in each other");
};

}  // namespace detail

}  // namespace mpar
