// SPDX-License-Identifier: MIT
// A machine in numbers: nodes, switches, links, and what a rank computes in a second. Knows the
// work of a step, no plan and no file.
#pragma once

#include <mpar/layers/operation.hpp>
#include <mpar/tensor/view.hpp>

#include <algorithm>
#include <string>

namespace mpar {

/// Ranks fill nodes, nodes fill the groups below a switch, groups are joined to one machine.
/// Hockney's alpha and beta on each level, with o, a rank's own time for a message, as in LogGP
/// (Alexandrov et al., SPAA'95), and the share of a link that all who use it have.
struct cluster {
    /// Messages between ranks whose nearest common thing is this.
    struct level {
        double alpha = 0;   ///< seconds until the first byte is there
        double beta = 0;    ///< seconds a byte, of a rank that has the link for itself
        double shared = 0;  ///< seconds a byte of what all carry over it together, each direction:
                            ///< the node's memory, the node's link, the group's uplink
    };
    enum hop { node_hop, group_hop, machine_hop };

    std::string name;
    int ranks_per_node = 1;
    int nodes_per_group = 1;
    level node, group, machine;  ///< within a node, below one switch, between switches

    double overhead = 0;  ///< seconds of a rank for each message that it sends or receives
    double copy = 0;      ///< seconds a byte that is packed or unpacked
    double gamma = 0;     ///< seconds a multiplication or addition
    double filtered = 0;  ///< the same of a convolution by Winograd's filtering, of its plain count
    double memory = 0;    ///< seconds a byte of tensors and weights that a step reads or writes
    double step = 0;      ///< seconds of each step besides

    constexpr const level& at(hop h) const {
        return h == node_hop ? node : h == group_hop ? group : machine;
    }
    constexpr int node_of(int rank) const { return rank / ranks_per_node; }
    constexpr int group_of(int rank) const { return node_of(rank) / nodes_per_group; }
    constexpr hop between(int a, int b) const {
        return node_of(a) == node_of(b)     ? node_hop
               : group_of(a) == group_of(b) ? group_hop
                                            : machine_hop;
    }
};

/// What a rank does of a step.
struct piece_of_work {
    box y, x;
    long flops = 0;
    int tile = 0;  ///< of Winograd's filtering; 0: none
};

/// Bytes of the tensors and weights that it touches.
constexpr long bytes_of(const operation& o, const piece_of_work& w, int element_size) {
    long elements = w.x.count() + w.y.count();
    if (o.kind == op::convolution || o.kind == op::dense) {
        const long inputs = o.groups > 1 ? o.in / o.groups : w.x.c.size();
        elements += w.y.c.size() * inputs * o.window.h.kernel * o.window.w.kernel;
    }
    return elements * element_size;
}

/// The longer of its arithmetic and its memory (Williams et al., "Roofline", CACM 2009).
constexpr double seconds_of(const cluster& c, const operation& o, const piece_of_work& w,
                            int element_size) {
    if (w.y.empty()) return 0;
    const double arithmetic = double(w.flops) * (w.tile ? c.filtered : c.gamma);
    return c.step + std::max(arithmetic, double(bytes_of(o, w, element_size)) * c.memory);
}

}  // namespace mpar
