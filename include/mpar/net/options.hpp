// SPDX-License-Identifier: MIT
// What a network is told besides its type. Knows no layer.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/comm/team.hpp>
#include <mpar/core/cores.hpp>
#include <mpar/shard/policy.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace mpar {

/// How a network works; the same on all ranks.
struct options {
    int batch = 1;                  ///< images in one forward
    std::optional<policy> asked{};  ///< in place of the layers' own, where they can follow it
    double deadline = 300;          ///< seconds that a wait on another rank may last
    bool exact = false;             ///< convolutions by their sums, not by Winograd's filtering
    teaming team = teaming::claim;  ///< how the ranks of a node work together
    int team_size = 0;              ///< ranks of a team at most; 0: all of a node
    int threads = 1;                ///< of each rank
};

/// collective. throws, the same on every rank: error(usage) when the ranks were given different
/// options, or some that cannot be.
inline void require_sensible(communicator& comm, const options& o) {
    const std::uint64_t all =
        std::uint64_t(o.batch) << 32 | std::uint64_t(o.team_size & 0xfff) << 20 |
        std::uint64_t(o.threads & 0xfff) << 8 | std::uint64_t(o.exact) << 7 |
        std::uint64_t(o.team) << 5 | std::uint64_t(o.asked ? int(*o.asked) + 1 : 0);
    agree_on(comm, all, fault::usage, "mpar: the ranks were given different options");
    agree(comm, [&] {
        if (!(o.deadline > 0)) {
            throw error(fault::usage, "mpar: a deadline is more than 0 seconds, not " +
                                          std::to_string(o.deadline));
        }
        if (o.batch < 1) {
            throw error(fault::usage,
                        "mpar: a batch has at least one image, not " + std::to_string(o.batch));
        }
        if (o.team_size < 0) {
            throw error(fault::usage,
                        "mpar: a team has at least one rank, not " + std::to_string(o.team_size));
        }
        if (o.threads < 1 || o.threads > cores()) {
            throw error(fault::usage, "mpar: a rank has 1 to " + std::to_string(cores()) +
                                          " threads here, as many as its set of cores, not " +
                                          std::to_string(o.threads));
        }
    });
}

}  // namespace mpar
