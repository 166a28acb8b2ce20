// SPDX-License-Identifier: MIT
// The library's own duplicate of the caller's communicator. Knows MPI; nothing of layers.
#pragma once

#include <mpar/comm/poll.hpp>
#include <mpar/comm/traffic.hpp>
#include <mpar/core/growing.hpp>
#include <mpar/tensor/memory.hpp>

#include <string>
#include <utility>

namespace mpar {

/// Owns a duplicate of the caller's communicator, so that no message of mpar meets one of the
/// caller's.
///
/// Errors return on the duplicate only; the caller's own handlers stay as they are. Needs no more
/// than MPI_THREAD_FUNNELED; all calls come from the thread that constructs.
class communicator {
public:
    /// requires: MPI is initialised; `theirs` is valid; called by all its ranks. collective.
    /// `deadline`: how long a wait on another rank may last.
    /// throws: error(mpi) in one sentence when MPI is not running or `theirs` is null;
    /// error(no_progress) when a rank does not come.
    explicit communicator(MPI_Comm theirs, seconds deadline = seconds(300)) : deadline_(deadline) {
        int running = 0, over = 0;
        MPI_Initialized(&running);
        MPI_Finalized(&over);
        if (!running) throw error(fault::mpi, "mpar: MPI_Init has not been called yet");
        if (over) throw error(fault::mpi, "mpar: MPI_Finalize has been called already");
        if (theirs == MPI_COMM_NULL) {
            throw error(fault::mpi, "mpar: the communicator is MPI_COMM_NULL");
        }
        int provided = MPI_THREAD_SINGLE;
        MPI_Query_thread(&provided);
        int is_main = 1;
        MPI_Is_thread_main(&is_main);
        if (!is_main && provided < MPI_THREAD_SERIALIZED) {
            throw error(fault::mpi,
                        "mpar: this thread may not call MPI: MPI_Init_thread gave less "
                        "than MPI_THREAD_SERIALIZED");
        }
        take(duplicate(theirs, deadline));
    }

    /// Takes over a communicator that MPI has made for mpar already.
    static communicator adopt(MPI_Comm own, seconds deadline) {
        return communicator(adopted{own}, deadline);
    }

    communicator(communicator&& other) noexcept
        : comm_(std::exchange(other.comm_, MPI_COMM_NULL)),
          rank_(other.rank_),
          size_(other.size_),
          deadline_(other.deadline_),
          broken_(other.broken_),
          counted_(other.counted_) {}
    communicator& operator=(communicator&&) = delete;

    /// Frees the duplicate, unless MPI is over or a wait failed: then others may still use it.
    ~communicator() {
        int over = 0;
        MPI_Finalized(&over);
        if (comm_ != MPI_COMM_NULL && !over && !broken_) MPI_Comm_free(&comm_);
    }

    MPI_Comm handle() const { return comm_; }
    int rank() const { return rank_; }
    int size() const { return size_; }
    seconds deadline() const { return deadline_; }

    /// What this rank's messages have amounted to so far.
    const traffic& counted() const { return counted_; }
    void count(const traffic& t) { counted_ += t; }

    /// Notes that a wait failed. Requests may then be pending for ever, so nothing is freed any
    /// more.
    void mark_broken() { broken_ = true; }
    bool is_broken() const { return broken_; }

private:
    struct adopted {
        MPI_Comm comm;
    };
    communicator(adopted own, seconds deadline) : deadline_(deadline) { take(own.comm); }

    void take(MPI_Comm own) {
        comm_ = own;
        MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
        MPI_Comm_set_name(comm_, "mpar");
        MPI_Comm_rank(comm_, &rank_);
        MPI_Comm_size(comm_, &size_);
    }

    static MPI_Comm duplicate(MPI_Comm theirs, seconds deadline) {
        buffer<MPI_Comm> made(1);
        made.data()[0] = MPI_COMM_NULL;
        growing<pending> requests(1);
        check(MPI_Comm_idup(theirs, made.data(), &requests[0].request), "MPI_Comm_idup");
        if (!poll(requests, deadline)) {
            made.forget();  // may still be written to
            throw error(fault::no_progress,
                        "mpar: duplicating the communicator: nothing from another rank for " +
                            in_words(deadline));
        }
        return made.data()[0];
    }

    MPI_Comm comm_ = MPI_COMM_NULL;
    int rank_ = 0, size_ = 1;
    seconds deadline_;
    bool broken_ = false;
    traffic counted_;
};

}  // namespace mpar
