// SPDX-License-Identifier: MIT
// One exchange on the links of a cluster: what each carries, and when a message has arrived. Knows
// ranks and bytes, no plan.
#pragma once

#include <mpar/comm/traffic.hpp>
#include <mpar/shard/cluster.hpp>

#include <algorithm>
#include <vector>

namespace mpar {

/// The messages of an exchange share links in proportion to their bytes, so that what lies on a link
/// is there when all of it is: a message takes the time of the fullest link on its way. Ways are a
/// rank's own end, the memory of a node or the two nodes' links, the two groups' uplinks.
class links {
public:
    links(const cluster& c, int ranks) : of_(&c), ends_(std::size_t(ranks)) {
        nodes_.resize(std::size_t(c.node_of(ranks - 1)) + 1);
        groups_.resize(std::size_t(c.group_of(ranks - 1)) + 1);
    }

    /// What a rank sends and receives.
    struct end {
        double in = 0, out = 0;  ///< seconds of its link
        traffic sum;
    };
    /// Seconds of a link or a node's memory.
    struct shared {
        double within = 0, in = 0, out = 0;
    };

    /// A message of so many bytes.
    void add(int from, int to, long bytes) {
        const auto h = of_->between(from, to);
        const long pieces = messages_for(bytes);
        send(from, h, bytes, pieces);
        receive(to, h, bytes, pieces);
    }
    /// One side of it, or of many over one level.
    void send(int rank, cluster::hop h, long bytes, long pieces) {
        auto& e = ends_[std::size_t(rank)];
        const double b = double(bytes);
        e.out += b * of_->at(h).beta;
        e.sum += {.bytes_sent = bytes, .messages_sent = pieces};
        if (h == cluster::node_hop) return;
        node(rank).out += b * of_->group.shared;
        if (h == cluster::machine_hop) group(rank).out += b * of_->whole.shared;
    }
    void receive(int rank, cluster::hop h, long bytes, long pieces) {
        auto& e = ends_[std::size_t(rank)];
        const double b = double(bytes);
        e.in += b * of_->at(h).beta;
        e.sum += {.bytes_received = bytes, .messages_received = pieces};
        if (h == cluster::node_hop) {
            node(rank).within += b * of_->node.shared;
            return;
        }
        node(rank).in += b * of_->group.shared;
        if (h == cluster::machine_hop) group(rank).in += b * of_->whole.shared;
    }

    const end& at(int rank) const { return ends_[std::size_t(rank)]; }

    /// The fullest link at one rank's side of a message.
    double sending(int rank, cluster::hop h) const {
        const auto& n = nodes_[std::size_t(of_->node_of(rank))];
        double most = at(rank).out;
        if (h == cluster::node_hop) return std::max(most, n.within);
        most = std::max(most, n.out);
        return h == cluster::group_hop
                   ? most
                   : std::max(most, groups_[std::size_t(of_->group_of(rank))].out);
    }
    double receiving(int rank, cluster::hop h) const {
        const auto& n = nodes_[std::size_t(of_->node_of(rank))];
        double most = at(rank).in;
        if (h == cluster::node_hop) return std::max(most, n.within);
        most = std::max(most, n.in);
        return h == cluster::group_hop
                   ? most
                   : std::max(most, groups_[std::size_t(of_->group_of(rank))].in);
    }
    /// From when both sides are there until all of a message is.
    double seconds(int from, int to) const {
        const auto h = of_->between(from, to);
        return of_->at(h).alpha + std::max(sending(from, h), receiving(to, h));
    }

    /// Seconds in which a rank packs and posts, and in which it takes what has arrived.
    double posting(int rank) const {
        const auto& sum = at(rank).sum;
        return of_->overhead * double(sum.messages_sent) + of_->copy * double(sum.bytes_sent);
    }
    double taking(int rank, bool unpacks) const {
        const auto& sum = at(rank).sum;
        return of_->overhead * double(sum.messages_received) +
               (unpacks ? of_->copy * double(sum.bytes_received) : 0);
    }

private:
    shared& node(int rank) { return nodes_[std::size_t(of_->node_of(rank))]; }
    shared& group(int rank) { return groups_[std::size_t(of_->group_of(rank))]; }

    const cluster* of_;
    std::vector<end> ends_;
    std::vector<shared> nodes_, groups_;
};

}  // namespace mpar
