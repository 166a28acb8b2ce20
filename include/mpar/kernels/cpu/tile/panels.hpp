// SPDX-License-Identifier: MIT
// How filters are packed. A panel is the filters of one or two vectors of output channels, in the
// order in which a register tile reads them. Knows no pixel.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/tile/pair_scale.hpp>
#include <mpar/kernels/cpu/vector.hpp>

#include <algorithm>
#include <type_traits>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// A panel: some output channels and the input channels that they read, in y's and x's indices.
struct panel {
    int block = 0, vectors = 1;  ///< y's channel blocks [block, block + vectors)
    range in;
    range lanes;  ///< of its only block, where groups share that; empty: all are its own
    long filters = 0;  ///< where its filters begin: [x's block][kh][kw][channel][vectors*V]; before
                       ///< paired ones there are pair_rows of vectors*V
};

/// How many vectors a panel has, but for the last one.
inline int panel_width(const convolution& c) { return c.groups == 1 ? 2 : 1; }

/// Whether products of that type may come in pairs: on a core that gains by it; double is asked for its
/// digits.
template <class T>
inline constexpr bool has_pairs = MPAR_ADD_PIPES && std::is_same_v<T, float>;

/// Whether a layer's products come in pairs.
template <class T>
constexpr bool takes_pairs(const convolution& c) {
    return has_pairs<T> && c.how.tile == 1;
}

/// How many places panels take. The groups of a block share one place.
template <class T>
long panel_count(const convolution& c) {
    return ceil_div(ceil_div(c.out_channels.size(), lanes<T>), panel_width(c));
}

/// Elements of a layer's first panels, without groups; requires: all but the last one of its layer.
template <class T>
long panels_size(const convolution& c, long panels) {
    const long rows =
        long(c.in_channels.size()) * c.window_taps() + (takes_pairs<T>(c) ? pair_rows : 0);
    return panels * panel_width(c) * lanes<T> * rows;
}

/// Calls f(panel) for all panels, in the order of their filters. returns: where the last one's end.
///
/// Without groups a panel has two vectors. With groups it is one block, or the lanes of one that are of
/// the same group: what another group reads does not meet them, lest NaN and infinity cross.
template <class T>
long for_each_panel(const convolution& c, function_ref<void(const panel&)> f) {
    constexpr int V = lanes<T>;
    const int blocks = ceil_div(c.out_channels.size(), V), width = panel_width(c);
    const long head = takes_pairs<T>(c) ? pair_rows : 0;
    long at = 0;
    for (int block = 0; block < blocks; block += width) {
        const int vectors = std::min(width, blocks - block);
        const range whole{c.out_channels.lo + block * V, c.out_channels.lo + (block + vectors) * V};
        const range all = intersection(whole, c.out_channels);
        for (range out = all; !out.empty(); out = {out.hi, all.hi}) {
            const int group_end = (out.lo / c.out_per_group() + 1) * c.out_per_group();
            out.hi = std::min(all.hi, group_end);
            range in = intersection(c.reads(out), c.in_channels), own;
            in = in.empty() ? range{} : range{in.lo - c.in_channels.lo, in.hi - c.in_channels.lo};
            if (out.size() < all.size()) own = {out.lo - whole.lo, out.hi - whole.lo};
            at += head * vectors * V;
            f(panel{block, vectors, in, own, at});
            at += long(in.size()) * c.window_taps() * vectors * V;
        }
    }
    return at;
}

/// Whether the layer takes the depthwise kernel: filters[block][kh][kw][V].
inline bool takes_depthwise(const convolution& c) {
    return c.is_depthwise() && c.in_channels.contains(c.out_channels);
}

/// How many elements this rank's packed filters take.
template <class T>
long packed_filters(const convolution& c) {
    if (takes_depthwise(c)) {
        return long(round_up(c.out_channels.size(), lanes<T>)) * c.window_taps();
    }
    return for_each_panel<T>(c, [](const panel&) {});
}

/// A panel of a layer without groups: each output channel's filters are read once, in their order.
template <class T>
void pack_panel(const T* filters, const convolution& c, const panel& p, T* to) {
    constexpr int V = lanes<T>;
    const int taps = c.window_taps(), width = p.vectors * V, outs = c.out_channels.size();
    for (int i = p.in.lo; i < p.in.hi;) {
        const int end = std::min(p.in.hi, (i / V + 1) * V), count = end - i;
        for (int o = 0; o < width; ++o) {
            const bool there = p.block * V + o < outs;
            const T* from = filters + (long(p.block * V + o) * c.in + c.in_channels.lo + i) * taps;
            for (int j = 0; j < count; ++j) {
                for (int k = 0; k < taps; ++k) {
                    to[(long(k) * count + j) * width + o] = there ? *from++ : T(0);
                }
            }
        }
        to += long(count) * taps * width;
        i = end;
    }
}

/// Packs filters[out_channels.size()][in/groups][kh][kw] in the order that conv2d and dense read.
template <class T>
void pack_filters(const T* filters, const convolution& c, T* packed) {
    constexpr int V = lanes<T>;
    const int taps = c.window_taps(), outs = c.out_channels.size();
    if (takes_depthwise(c)) {
        for (int block = 0; block < outs; block += V) {
            for (int k = 0; k < taps; ++k) {
                for (int lane = block; lane < block + V; ++lane) {
                    *packed++ = lane < outs ? filters[long(lane) * taps + k] : T(0);
                }
            }
        }
        return;
    }
    for_each_panel<T>(c, [&](const panel& p) {
        T* to = packed + p.filters;
        if (c.groups == 1) {
            pack_panel(filters, c, p, to);
            if (takes_pairs<T>(c)) pack_pairs(to, p.in.size(), p.vectors);
            return;
        }
        const range own = p.lanes.empty() ? range{0, V} : p.lanes;
        for (int i = p.in.lo; i < p.in.hi;) {
            const int end = std::min(p.in.hi, (i / V + 1) * V);
            for (int k = 0; k < taps; ++k) {
                for (int j = i; j < end; ++j) {
                    for (int lane = 0; lane < V; ++lane) {
                        const int o = p.block * V + lane, global = c.out_channels.lo + o;
                        const bool is_own = own.lo <= lane && lane < own.hi && o < outs;
                        const range group = c.reads({global, global + 1});
                        const long row =
                            long(o) * group.size() + c.in_channels.lo + j - group.lo;
                        *to++ = is_own ? filters[row * taps + k] : T(0);
                    }
                }
            }
            i = end;
        }
    });
}

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
