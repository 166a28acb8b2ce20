// SPDX-License-Identifier: MIT
// A machine of many nodes in numbers: links and switches around ranks of known speed. Knows no plan
// and no file.
#pragma once

#include <mpar/core/numeric.hpp>
#include <mpar/shard/machine.hpp>

#include <algorithm>
#include <string>

namespace mpar {

/// A machine of many nodes: ranks fill nodes, nodes fill the groups below a switch, and groups are
/// joined to one machine.
/// Hockney's alpha and beta on each level, with a rank's own time for a message as in LogGP
/// (Alexandrov et al., SPAA'95), and what a byte takes of the links that many ranks share.
struct cluster {
    /// The cost of messages between ranks whose nearest common level this is.
    struct level {
        double alpha = 0;   ///< seconds until the first byte is there
        double beta = 0;    ///< seconds a byte, of a rank that has the link for itself
        double shared = 0;  ///< seconds a byte of what all carry over it together, each direction:
                            ///< the node's memory, the node's link, the group's uplink

        constexpr bool operator==(const level&) const = default;
    };
    enum hop { node_hop, group_hop, machine_hop };

    std::string name;
    int ranks_per_node = 1;
    int nodes_per_group = 1;
    level node, group, whole;  ///< within a node, below one switch, between switches

    double overhead = 0;  ///< seconds of a rank for each message that it sends or receives
    double copy = 0;      ///< seconds a byte that is packed or unpacked
    machine rank;         ///< what work costs a rank; its links are not looked at

    constexpr const level& at(hop h) const {
        return h == node_hop ? node : h == group_hop ? group : whole;
    }
    constexpr int node_of(int r) const { return r / ranks_per_node; }
    constexpr int group_of(int r) const { return node_of(r) / nodes_per_group; }
    constexpr hop between(int a, int b) const {
        return node_of(a) == node_of(b)     ? node_hop
               : group_of(a) == group_of(b) ? group_hop
                                            : machine_hop;
    }
    bool operator==(const cluster&) const = default;
};

/// The planner's machine as a cluster: a message takes both its ranks alpha together, and no link
/// is shared. `ranks` is the number of ranks of a node, where the machine has only one.
inline cluster cluster_of(const machine& m, int ranks) {
    cluster c;
    c.name = "one of mpar calibrate";
    c.rank = m;
    c.ranks_per_node = m.ranks_per_node ? m.ranks_per_node : std::max(1, ranks);
    c.nodes_per_group = ceil_div(1 << 20, c.ranks_per_node);
    c.overhead = m.node.alpha / 2;
    c.copy = m.node.copy();
    c.node = {0, m.node.beta - 2 * c.copy, 0};
    c.group = {std::max(0.0, m.network.alpha - m.node.alpha),
               std::max(m.network.copy(), m.network.beta - 2 * c.copy), 0};
    c.whole = c.group;
    return c;
}

}  // namespace mpar
