// SPDX-License-Identifier: MIT
// What a network is told besides its type. Knows no layer.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/comm/team.hpp>
#include <mpar/core/cores.hpp>
#include <mpar/io/checksum.hpp>
#include <mpar/shard/machine.hpp>
#include <mpar/shard/policy.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mpar {

/// How a network works. All ranks must be given the same, but for the deadline.
struct options {
    int batch = 1;                  ///< images in one forward
    std::optional<policy> asked{};  ///< in place of the layers' own, where they can follow it
    double deadline = 300;          ///< seconds that a wait on another rank may last
    bool exact = false;             ///< convolutions by their sums alone, by none of Winograd's
    teaming team = teaming::claim;  ///< how the ranks of a node work together
    int team_size = 0;              ///< ranks of a team at most; 0: all of a node
    int threads = 1;                ///< threads of each rank
    bool reproducible = false;      ///< sums that are cut have the same bits on 1, 2, 4, 8 ranks
    int data = 1;                   ///< ranks of the data axis, where the mesh does not say
    int second = 0;                 ///< second dimension of the model axis; 0: the mesh's own
    int micro_batches = 0;          ///< parts of a batch that follow each other through the stages
                                    ///< of a pipeline; 0: as many as are useful, 1 without stages
    bool checked = false;  ///< each forward first asks whether all ranks were given the same
                           ///< images, where all are to have them: a digest and a meeting
    std::optional<machine> planned_on{};  ///< what policy::automatic is worked out for; nothing: a
                                          ///< usual machine with the backend's vectors
    std::vector<placing> placed{};  ///< one for each node of the net's graph, in place of its own
};

/// collective. throws, the same on every rank: error(usage) when the ranks were given different
/// options, or some that cannot be.
[[gnu::cold]] inline void require_sensible(communicator& comm, const options& o) {
    // A new field does not compile until it is listed here. Ranks may have deadlines of their own;
    // placed and planned_on are compared by who makes the plan.
    const auto& [batch, asked, deadline, exact, team, team_size, threads, reproducible, data,
                 second, micro_batches, checked, planned_on, placed] = o;
    const std::uint64_t values[] = {
        std::uint64_t(batch),        std::uint64_t(asked ? int(*asked) + 1 : 0),
        std::uint64_t(exact),        std::uint64_t(team),
        std::uint64_t(team_size),    std::uint64_t(threads),
        std::uint64_t(reproducible), std::uint64_t(data),
        std::uint64_t(second),       std::uint64_t(micro_batches),
        std::uint64_t(checked),
    };
    agree_on(comm, io::checksum(std::as_bytes(std::span(values))), fault::usage,
             "mpar: the ranks were given different options");
    agree(comm, [&] {
        if (!(o.deadline > 0)) {
            throw error(fault::usage, "mpar: a deadline is more than 0 seconds, not " +
                                          std::to_string(o.deadline));
        }
        if (o.batch < 1) {
            throw error(fault::usage,
                        "mpar: a batch has at least one image, not " + std::to_string(o.batch));
        }
        if (o.micro_batches < 0 || (o.micro_batches && o.batch % o.micro_batches)) {
            throw error(fault::usage, "mpar: " + std::to_string(o.micro_batches) +
                                          " micro-batches do not divide a batch of " +
                                          std::to_string(o.batch));
        }
        if (const int model = comm.size() / std::max(o.data, 1);
            o.second < 0 || (o.second && model % o.second)) {
            throw error(fault::usage, "mpar: a second dimension of " + std::to_string(o.second) +
                                          " does not divide a model axis of " +
                                          std::to_string(model));
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
