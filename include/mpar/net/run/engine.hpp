// SPDX-License-Identifier: MIT
// Runs a plan on one rank: memory, exchanges, kernels, in the order of the steps. Knows no net's
// type.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/comm/all_reduce.hpp>
#include <mpar/comm/broadcast.hpp>
#include <mpar/comm/communicator.hpp>
#include <mpar/io/checksum.hpp>
#include <mpar/net/run/activations.hpp>
#include <mpar/net/run/executor.hpp>
#include <mpar/net/run/options.hpp>
#include <mpar/net/run/parameters.hpp>
#include <mpar/net/place/partition.hpp>
#include <mpar/net/run/transfer.hpp>
#include <mpar/net/run/workers.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mpar {

/// One rank's network: what remains when the net's type has become a plan.
///
/// Ranks of a node are a team (comm/team.hpp) with one memory, which takes one seat of the mesh; with
/// teaming::off each rank is a team of its own. forward() runs the steps on this seat's part of the
/// images (executor.hpp); a pipeline takes a batch in several turns, so that its stages work on
/// different images at a time.
template <class Backend, class T>
class engine {
public:
    /// requires: `p` lives as long as the engine; the same plan and options on all ranks. collective.
    /// throws: error(device) on every rank when memory is unavailable on one.
    [[gnu::cold]] engine(communicator comm, const plan& p, const options& o)
        : comm_(std::make_unique<communicator>(std::move(comm))),
          team_(std::make_unique<team>(*comm_, works_in_teams<Backend> ? o.team : teaming::off,
                                       o.team_size, o.data)),
          alone_(std::make_unique<team>(*comm_, teaming::off)),
          plan_(p),
          turns_(turns_of(o)),
          part_(partition(p, setting_of(o))),
          workers_(*team_, comm_->rank(), comm_->deadline()) {
        agree(*comm_, [&] {
            workers_.hire(o.threads);
            weights_.emplace(plan_, part_, workers_.shares_kernels() ? *team_ : *alone_);
            if (team_->exchanges()) transfer_.emplace(team_->outside(), part_);
            workspace_ = round_up(workspace(), 1024L);
        });
        if (!workers_.shares_kernels() && team_->members() > 1) {  // the same for all who share it
            workspace_ = all_reduce(team_->node(), workspace_, MPI_MAX);
        }
        const int spaces = workers_.shares_kernels() ? 1 : team_->members();
        agree(*comm_, [&] {
            probe(weights_->bytes() + activations<Backend, T>::bytes(part_, workspace_, spaces));
        });
        agree(*comm_, [&] { tensors_ = {part_, *team_, workspace_, spaces}; });
        agree(*comm_, [&] {
            if (turns_ > 1) kept_ = buffer<T, typename Backend::memory>(turns_ * kept_each());
        });
        input_box_ = share_of_input();
        checked_ = o.checked && plan_.tensors.front().where == layout::everywhere;
        if (!team_->exchanges()) part_.leave_messages();
    }
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
    ~engine() {
        if (workers_.is_broken()) team_->mark_broken();
        if (team_->is_broken() && transfer_) transfer_->abandon();
    }

    /// Gives up the weights that are there: forward() refuses until the next load().
    void unload() { loaded_ = false; }

    /// Every rank loads its share; none has loaded when one could not. collective.
    /// throws: what `read` throws on some rank, on every rank.
    [[gnu::cold]] void load(const parameter_reader<T>& read) {
        unload();
        agree(*comm_, [&] { weights_->load(workers_.queue(), read); });
        loaded_ = true;
    }
    /// The same with weights that were packed before by this rank's recipe, used in place.
    [[gnu::cold]] void load(const packed_weights& from) {
        unload();
        agree(*comm_, [&] { weights_->take(workers_.queue(), from); });
        loaded_ = true;
    }

    /// load(), and the unpacked values are kept: kept() has them.
    [[gnu::cold]] void store(const parameter_reader<T>& read) {
        unload();
        agree(*comm_, [&] { weights_->store(workers_.queue(), read); });
        pack();
    }
    /// This rank's unpacked parameters, one copy for its sharers(); nullptr: they were not stored.
    const stored_parameters<Backend, T>* kept() const { return weights_->kept(); }
    /// Weights are those that kept() has by now, on all ranks. collective. throws: as load();
    /// error(usage) when there are none.
    [[gnu::cold]] void pack() {
        if (!kept()) throw error(fault::usage, "mpar: no parameters are kept: store() keeps them");
        unload();
        agree(*comm_, [] {});  // what its other sharers have changed is there
        agree(*comm_, [&] { weights_->pack(workers_.queue()); });
        loaded_ = true;
    }

    /// What decides the bytes of this rank's packed() weights, besides the values that were read.
    recipe made_by() const { return weights_->made_by(); }
    /// The ranks that have one copy of the weights.
    const team& sharers() const { return weights_->sharers(); }
    /// requires: weights are loaded. Host memory, valid until they are loaded anew.
    packed_weights packed() { return weights_->packed(workers_.queue()); }

    /// x: what this rank passes of the images; y: the whole output. Both in the backend's memory.
    /// collective. Allocates nothing on the device; work is complete when it returns.
    void forward(const view<const T>& x, const view<T>& y,
                 const net_functions<Backend, T>& functions) {
        require(x.extents == input_box().extents(), "images", x.extents, input_box().extents());
        require(y.extents == output_shape(), "output", y.extents, output_shape());
        if (!loaded_)
            throw error(fault::usage, "mpar: the network has no weights yet: load them first");
        if (checked_) require_same_images(x);
        try {
            executor<Backend, T> work(plan_, part_, *team_, workers_, *weights_,
                                      transfer_ ? &*transfer_ : nullptr, tensors_, functions);
            run(work, x, y);
        } catch (...) {
            if (team_->members() > 1) team_->mark_broken();  // nobody meets the others any more
            throw;
        }
    }

    /// Why ranks do not work together as options ask; empty: they do.
    const std::string& note() const { return team_->note(); }

    const plan& steps() const { return plan_; }
    /// Of this rank's team; messages are those of this rank.
    const part& mine() const { return part_; }
    communicator& comm() { return *comm_; }
    const communicator& comm() const { return *comm_; }

    /// What this rank's messages have amounted to so far.
    traffic measured() const { return team_->exchanges() ? team_->outside().counted() : traffic{}; }

    /// What this rank passes of the images, in the indices of the whole batch.
    const box& input_box() const { return input_box_; }
    shape output_shape() const {
        shape s = plan_.output().extents;
        s.n = part_.of.batch * turns_;
        return s;
    }
    /// Bytes and messages of one forward.
    traffic predicted() const { return part_.predicted * turns_; }

    /// Of memory that is this rank's: what a team has in common is its first member's.
    std::size_t weights_bytes() const {
        return team_->exchanges() ? weights_->bytes() + weights_->stored_bytes() : 0;
    }
    std::size_t activations_bytes() const {
        return (team_->leads() ? tensors_.bytes() : 0) + (transfer_ ? transfer_->bytes() : 0);
    }

private:
    /// One image after the other through the stages, where there are several; the results at last,
    /// so that no stage waits for another's.
    void run(executor<Backend, T>& work, const view<const T>& x, const view<T>& y) {
        if (turns_ == 1) {
            work.run(x, input_box_);
            return work.gather(y);
        }
        const int each = part_.of.batch;
        box given = input_box_;
        given.n = {0, each};
        const auto turn = [&](const auto& v, int i) {
            box b = whole(v.extents);
            b.n = {i * each, (i + 1) * each};
            return v.part(b);
        };
        const shape own = part_.tensors[std::size_t(plan_.steps.back().x())].owned.extents();
        const auto kept = [&](int i) {
            return dense_view(kept_.data() + i * kept_each(), own, Backend::template block<T>);
        };
        for (int i = 0; i < turns_; ++i) {
            work.run(turn(x, i), given);
            work.keep(kept(i));
        }
        for (int i = 0; i < turns_; ++i) {
            work.restore(kept(i));
            work.gather(turn(y, i));
        }
    }
    std::size_t kept_each() const {
        return std::size_t(storage(part_.tensors[std::size_t(plan_.steps.back().x())].owned.extents(),
                                   Backend::template block<T>));
    }

    /// Four turns a stage keep most of them busy: S stages idle (S - 1) of turns + S - 1 times.
    int turns_of(const options& o) const {
        if (o.micro_batches) return o.micro_batches;
        if (plan_.tensors.front().where.n.count) return 1;  // they need all images on every rank
        int stages = 1;
        for (const auto& t : plan_.tensors) stages = std::max(stages, t.where.stages);
        int turns = stages == 1 ? 1 : std::min(o.batch, 4 * stages);
        while (o.batch % turns) --turns;
        return turns;
    }

    [[gnu::cold]] setting setting_of(const options& o) const {
        if (turns_ > 1 && plan_.tensors.front().where.n.count) {
            throw error(fault::usage, "mpar: micro-batches need all images on every rank");
        }
        const int second = team_->seats() == comm_->size() ? o.second : 0;
        setting s = setting_on<Backend, T>({team_->seat(), team_->seats(), o.data, second},
                                           o.batch / turns_, o.exact);
        s.first_seats = team_->first_seats();
        s.reproducible = o.reproducible;
        s.whole_batch = o.batch;
        return s;
    }

    /// throws: error(input) on every rank, which names one whose images are not the first rank's.
    [[gnu::cold]] void require_same_images(const view<const T>& x) {
        std::vector<T> copy(std::size_t(x.extents.count()));
        Backend::copy(workers_.queue(), x, dense_view(copy.data(), x.extents));
        workers_.queue().finish();
        const auto digest = long(io::checksum(std::as_bytes(std::span(copy))) >> 1);
        long first = digest;
        broadcast(*comm_, &first, sizeof first, 0);
        const int other = comm_->size();
        const int bad = int(
            all_reduce(*comm_, first == digest ? long(other) : long(comm_->rank()), MPI_MIN));
        if (bad == other) return;
        throw error(fault::input, "mpar: rank " + std::to_string(bad) +
                                      " was given other images than rank 0, and all ranks are to "
                                      "have the same");
    }

    /// Sizes that no memory has are refused before any is taken.
    [[gnu::cold]] static void probe(std::size_t bytes) {
        if (bytes) Backend::memory::release(Backend::memory::allocate(bytes));
    }

    static void require(bool right, const char* what, const shape& given, const shape& wanted) {
        if (right) return;
        const auto text = [](const shape& s) {
            return "[" + std::to_string(s.n) + ", " + std::to_string(s.c) + ", " +
                   std::to_string(s.h) + ", " + std::to_string(s.w) + "]";
        };
        throw error(fault::usage, std::string("mpar: the ") + what + " given are " + text(given) +
                                      ", the network takes " + text(wanted));
    }

    /// Elements that the hungriest step needs besides its views.
    [[gnu::cold]] long workspace() const {
        long most = 0;
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            const auto& s = plan_.steps[i];
            const auto& p = part_.steps[i];
            if (!traits_of(s.what).takes_image_blocks) continue;
            const auto hungry = [&](const range& channels) {
                const convolution c = problem_of(s.what, channels, p.y, p.tile);
                shape y = p.y.extents();
                y.n = std::min(y.n, part_.images_at_a_time(int(i)));
                most = std::max(most, Backend::template workspace<T>(c, y, workers_.count()));
            };
            if (p.leaves.empty()) hungry(p.x.c);
            for (const auto& leaf : p.leaves) hungry(leaf);  // few channels may take more than many
        }
        return most;
    }

    /// Of an input that comes whole, all; of a cut one, this member's part of its team's part.
    [[gnu::cold]] box share_of_input() const {
        box theirs = part_.tensors.front().owned;
        if (turns_ > 1) theirs.n = {0, part_.of.batch * turns_};
        if (!workers_.shares_kernels()) return theirs;
        const layout& where = plan_.tensors.front().where;
        const box part = owned(where, theirs.extents(), {team_->member(), team_->members()},
                               {.c = Backend::template block<T>});
        const box origin{
            {-theirs.n.lo, 0}, {-theirs.c.lo, 0}, {-theirs.h.lo, 0}, {-theirs.w.lo, 0}};
        return relative(part, origin);
    }

    std::unique_ptr<communicator> comm_;
    std::unique_ptr<team> team_, alone_;
    plan plan_;
    int turns_;  ///< micro-batches
    part part_;
    box input_box_;
    workers<Backend> workers_;
    long workspace_ = 0;
    std::optional<parameters<Backend, T>> weights_;
    std::optional<transfer<Backend, T>> transfer_;
    activations<Backend, T> tensors_;
    buffer<T, typename Backend::memory> kept_;  ///< outputs of turns
    bool loaded_ = false;
    bool checked_ = false;
};

}  // namespace mpar
