// SPDX-License-Identifier: MIT
// Errors are collective: every rank throws the same one, or none does.
#pragma once

#include <mpar/comm/all_reduce.hpp>
#include <mpar/comm/broadcast.hpp>
#include <mpar/core/function_ref.hpp>

#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string>

namespace mpar {

/// Runs `work`, which calls no MPI, on every rank. When it throws on some, every rank throws the
/// error of the lowest of them; where only some fail, the sentence says on which rank.
/// collective. throws: error(no_progress) when a rank does not come. Cost: one all-reduce of 8
/// bytes.
[[gnu::cold]] inline void agree(communicator& comm, function_ref<void()> work) {
    std::optional<error> mine;
    try {
        work();
    } catch (const error& e) {
        mine.emplace(e);
    } catch (const std::bad_alloc&) {
        mine.emplace(fault::device, "mpar: memory is unavailable");
    } catch (const std::exception& e) {
        mine.emplace(fault::internal, std::string("mpar: ") + e.what());
    } catch (...) {
        mine.emplace(fault::internal, "mpar: something was thrown that is no std::exception");
    }
    const long failing = all_reduce(comm, mine ? 1 : 0, MPI_SUM);
    if (failing == 0) return;
    const int first = static_cast<int>(all_reduce(comm, mine ? comm.rank() : comm.size(), MPI_MIN));

    char sentence[512] = {};
    int kind = 0;
    if (comm.rank() == first) {
        kind = static_cast<int>(mine->kind());
        std::string words = mine->what();
        if (failing < comm.size() && words.starts_with("mpar: ")) {
            words = "mpar: rank " + std::to_string(first) + ": " + words.substr(6);
        }
        words.copy(sentence, sizeof sentence - 1);
    }
    broadcast(comm, &kind, sizeof kind, first);
    broadcast(comm, sentence, sizeof sentence, first);
    throw error(static_cast<fault>(kind), sentence);
}

/// Every rank must come with the same number, such as the digest of its weights.
/// collective. throws: error(kind, rank 0's sentence) on every rank when one differs.
inline void agree_on(communicator& comm, std::uint64_t number, fault kind,
                     const std::string& sentence) {
    const long half[2] = {static_cast<long>(number >> 32), static_cast<long>(number & 0xffffffffu)};
    bool same = true;
    for (const long part : half) {
        const long least = all_reduce(comm, part, MPI_MIN);
        const long most = all_reduce(comm, part, MPI_MAX);
        same = same && least == most;
    }
    agree(comm, [&] {
        if (!same) throw error(kind, sentence);
    });
}

}  // namespace mpar
