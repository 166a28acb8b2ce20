// SPDX-License-Identifier: MIT
// A sharded matrix product on the ranks of a cluster, in closed form. Knows no plan of a net.
#pragma once

#include <mpar/matmul/choose.hpp>
#include <mpar/shard/cluster.hpp>
#include <mpar/shard/cost.hpp>

#include <algorithm>
#include <vector>

namespace mpar {

/// What a product on a grid has come to: the rank that has most, which is the first.
struct simulated_product {
    matmul::plan how;
    double seconds = 0, compute_seconds = 0;
    long bytes = 0, messages = 0;  ///< received
};

namespace detail {

/// Ranks from, from + stride, ...: the others with whom the first shares a block.
struct peers {
    int count = 0, stride = 1;

    /// Those that are among the first `ranks`.
    int within(int ranks) const { return std::min(count, (ranks - 1) / stride); }
};

class product_clock {
public:
    product_clock(const matmul::plan& p, const cluster& c, int element_size)
        : plan_(p), on_(c), size_(element_size) {}

    /// Panels travel while others are multiplied; sums when all is. All ranks of a node carry as much
    /// over its link as the first.
    simulated_product run() {
        const matmul::grid& g = plan_.ranks;
        const matmul::place first;
        const long rows = rows_of(plan_, first).size(), columns = columns_of(plan_, first).size(),
                   depth = depth_of(plan_, first).size();
        const long turns = long(matmul::detail::pieces(plan_, depth_of(plan_, first)).size());
        const double flops = 2.0 * double(rows) * double(columns) * double(depth);
        simulated_product s{plan_};
        const workload product{work::dense, long(flops), 0, 0};
        s.compute_seconds = mpar::seconds_of(product, on_.rank) + on_.rank.step * double(turns - 1);
        const travel panels =
            sum(from({g.q - 1, g.r}, (rows * depth - owned_a(plan_, first).count()) * size_, turns),
                from({g.p - 1, g.q * g.r},
                     (columns * depth - owned_b(plan_, first).count()) * size_, turns));
        const int slices = std::min(g.r, plan_.of.k);  // that are not empty
        const long sums = (slices - 1) * owned_c(plan_, first).count() * size_;
        const travel reduced = from({slices - 1, 1}, sums, 1);
        const workload added{work::pass, sums / size_, 2 * sums, 0};
        s.bytes = panels.bytes + reduced.bytes;
        s.messages = panels.messages + reduced.messages;
        s.seconds = std::max(s.compute_seconds, panels.seconds(on_)) + reduced.seconds(on_) +
                    seconds_of(added, on_.rank);
        s.compute_seconds += seconds_of(added, on_.rank);
        return s;
    }

private:
    /// What a rank receives.
    struct travel {
        long bytes = 0, messages = 0;
        double alpha = 0, own = 0, node = 0, link = 0, uplink = 0;  ///< seconds

        double seconds(const cluster& c) const {
            return alpha + 2 * c.overhead * double(messages) +
                   std::max({own + 2 * c.copy * double(bytes), node, link, uplink});
        }
    };

    /// So many bytes from all peers alike, each in about turns / (count + 1) messages.
    travel from(const peers& who, long bytes, long turns) const {
        travel t;
        if (who.count == 0 || bytes == 0) return t;
        const int in_node = who.within(on_.ranks_per_node),
                  in_group = who.within(on_.ranks_per_node * on_.nodes_per_group);
        const double each = double(bytes) / who.count;
        const double near = in_node * each, middle = (in_group - in_node) * each,
                     far = (who.count - in_group) * each;
        const double node_ranks = std::min(on_.ranks_per_node, plan_.ranks.ranks()),
                     group_ranks =
                         std::min(on_.ranks_per_node * on_.nodes_per_group, plan_.ranks.ranks());
        t.bytes = bytes;
        t.messages = std::max<long>(who.count, turns - ceil_div<long>(turns, who.count + 1));
        t.alpha = on_.at(who.count > in_group ? cluster::machine_hop
                         : in_group > in_node ? cluster::group_hop
                                              : cluster::node_hop)
                      .alpha;
        t.own = near * on_.node.beta + middle * on_.group.beta + far * on_.whole.beta;
        t.node = near * on_.node.shared * node_ranks;
        t.link = (middle + far) * on_.group.shared * node_ranks;
        t.uplink = far * on_.whole.shared * group_ranks;
        return t;
    }
    static travel sum(const travel& a, const travel& b) {
        return {a.bytes + b.bytes,  a.messages + b.messages, std::max(a.alpha, b.alpha),
                a.own + b.own,      a.node + b.node,         a.link + b.link,
                a.uplink + b.uplink};
    }

    matmul::plan plan_;
    cluster on_;
    int size_;
};

}  // namespace detail

inline simulated_product simulate(const matmul::plan& p, const cluster& c, int element_size = 4) {
    return detail::product_clock(p, c, element_size).run();
}

/// The same on the algorithm's grid that moves the fewest bytes, of those that take the least time or
/// at most 1 % more.
/// throws: error(usage) when it has no grid of so many ranks.
inline simulated_product simulate(const matmul::sizes& s, matmul::algorithm how, int ranks,
                                  const cluster& c, int element_size = 4) {
    const auto all = matmul::candidates(s, how, ranks);
    if (all.empty()) {
        throw error(fault::usage,
                    "mpar: a matrix product by cannon takes a square number of ranks, "
                    "not " +
                        std::to_string(ranks));
    }
    std::vector<simulated_product> done;
    for (const auto& p : all) done.push_back(simulate(p, c, element_size));
    const auto by_time = [](const auto& x, const auto& y) { return x.seconds < y.seconds; };
    const double enough = 1.01 * std::ranges::min_element(done, by_time)->seconds;
    auto best = *std::ranges::min_element(done, by_time);
    for (const auto& one : done) {
        if (one.seconds <= enough && one.bytes < best.bytes) best = one;
    }
    return best;
}

}  // namespace mpar
