// SPDX-License-Identifier: MIT
// Runs a plan on one rank: memory, exchanges, kernels, in the order of the steps. Knows no net's
// type.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/comm/all_reduce.hpp>
#include <mpar/comm/broadcast.hpp>
#include <mpar/comm/communicator.hpp>
#include <mpar/io/checksum.hpp>
#include <mpar/kernels/backend.hpp>
#include <mpar/net/place/partition.hpp>
#include <mpar/net/place/schedule.hpp>
#include <mpar/net/run/activations.hpp>
#include <mpar/net/run/executor.hpp>
#include <mpar/net/run/options.hpp>
#include <mpar/net/run/parameters.hpp>
#include <mpar/net/run/transfer.hpp>
#include <mpar/net/run/workers.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace mpar {

/// One rank's network: what remains when the net's type has become a plan.
///
/// Ranks of a node are a team (comm/team.hpp) with one memory, which takes one seat of the mesh; with
/// teaming::off each rank is a team of its own. forward() runs the steps on this seat's part of the
/// images (executor.hpp); a pipeline takes a batch in several turns, so that its stages work on
/// different images at a time.
template <class Backend, class T>
class engine {
    static_assert(backend_for<Backend, T>,
                  "mpar: the backend has no kernels for elements of this type");
    static_assert(std::same_as<accumulator_of<T>, T>);  // or a view of summands is another type

public:
    /// requires: `p` lives as long as the engine; the same plan and options on all ranks. collective.
    /// throws: error(device) on every rank when memory is unavailable on one.
    [[gnu::cold]] engine(communicator comm, const plan& p, const options& o)
        : engine(std::make_shared<communicator>(std::move(comm)), p, o) {}
    /// Takes a communicator that the caller shares, and can go on with where this throws.
    [[gnu::cold]] engine(std::shared_ptr<communicator> comm, const plan& p, const options& o)
        : comm_(std::move(comm)),
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
            workspace_ = round_up(workspace(), 4096L);
        });
        if (!workers_.shares_kernels() && team_->members() > 1) {  // the same for all who share it
            workspace_ = all_reduce(team_->node(), workspace_, MPI_MAX);
        }
        const int spaces = workers_.shares_kernels() ? 1 : team_->members();
        agree(*comm_, [&] {
            const auto weights = weights_->bytes();
            const auto shared = activations<Backend, T>::bytes(part_, workspace_, spaces);
            probe(weights + shared);
            if (team_->members() == 1 || !team_->leads()) return;
            shared_block::require_room(shared + (workers_.shares_kernels() ? weights : 0));
        });
        agree(*comm_, [&] { tensors_ = {part_, *team_, workspace_, spaces}; });
        agree(*comm_, [&] {
            if (turns_ > 1)
                kept_ = buffer<T, typename Backend::memory>(turns_ * kept_each(plan_.outputs()));
        });
        for (int i = 0; i < plan_.inputs(); ++i) {
            input_boxes_.push_back(share_of_input(plan_.input_tensor(i)));
        }
        checked_ = o.checked && plan_.tensors.front().where == layout::everywhere;
        if (!team_->exchanges()) part_.leave_messages();
        schedule_ = {plan_, part_};
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
    /// Takes weights that were packed before by this rank's recipe, and uses them where they lie.
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

    /// Everything that decides the bytes of this rank's packed() weights, besides the values read.
    recipe made_by() const { return weights_->made_by(); }
    /// The ranks that have one copy of the weights.
    const team& sharers() const { return weights_->sharers(); }
    /// requires: weights are loaded. Host memory, valid until they are loaded anew.
    packed_weights packed() { return weights_->packed(workers_.queue()); }

    /// x: what this rank passes of each input; y: each output, whole. All in the backend's memory.
    /// collective. Allocates nothing on the device; work is complete when it returns.
    void forward(const view<const T>* x, std::size_t inputs, const view<T>* y, std::size_t outputs,
                 const net_functions<Backend, T>& functions) {
        require(inputs, std::size_t(plan_.inputs()), "inputs");
        require(outputs, std::size_t(plan_.outputs()), "outputs");
        for (int i = 0; i < plan_.inputs(); ++i) {
            require("images", x[i].extents, input_box(i).extents());
        }
        for (int i = 0; i < plan_.outputs(); ++i) {
            require("output", y[i].extents, output_shape(i));
        }
        if (!loaded_)
            throw error(fault::usage, "mpar: the network has no weights yet: load them first");
        if (checked_) {
            for (std::size_t i = 0; i < inputs; ++i) require_same_images(x[i]);
        }
        try {
            executor<Backend, T> work(plan_, part_, *team_, workers_, *weights_,
                                      transfer_ ? &*transfer_ : nullptr, tensors_, functions);
            run(work, x, y);
        } catch (...) {
            if (team_->members() > 1) team_->mark_broken();  // nobody meets the others any more
            throw;
        }
    }

    /// The same of a net with one input and one output.
    void forward(const view<const T>& x, const view<T>& y,
                 const net_functions<Backend, T>& functions) {
        forward(&x, 1, &y, 1, functions);
    }

    /// Why ranks do not work together as options ask; empty: they do.
    const std::string& note() const { return team_->note(); }

    const plan& steps() const { return plan_; }
    /// The part of this rank's team, with the messages of this rank alone.
    const part& mine() const { return part_; }
    communicator& comm() { return *comm_; }
    const communicator& comm() const { return *comm_; }

    /// What this rank's messages have amounted to so far.
    traffic measured() const { return team_->exchanges() ? team_->outside().counted() : traffic{}; }

    /// What this rank passes of an input, in the indices of the whole batch.
    const box& input_box(int i = 0) const { return input_boxes_[std::size_t(i)]; }
    shape output_shape(int i = 0) const {
        shape s = plan_.output(i).extents;
        s.n = part_.of.batch * turns_;
        return s;
    }
    /// Bytes and messages of one forward.
    traffic predicted() const { return part_.predicted * turns_; }

    /// Bytes of memory that count as this rank's: what a team has in common counts as its first
    /// member's.
    std::size_t weights_bytes() const {
        return team_->exchanges() ? weights_->bytes() + weights_->stored_bytes() : 0;
    }
    std::size_t activations_bytes() const {
        return (team_->leads() ? tensors_.bytes() : 0) + (transfer_ ? transfer_->bytes() : 0);
    }

private:
    /// One image after the other through the stages, where there are several; the results at last,
    /// so that no stage waits for another's.
    void run(executor<Backend, T>& work, const view<const T>* x, const view<T>* y) {
        if (turns_ == 1) {
            work.run(schedule_.all(), {x, input_boxes_.data(), y});
        } else {
            run_in_turns(work, x, y);
        }
        work.wait();
    }
    [[gnu::cold]] void run_in_turns(executor<Backend, T>& work, const view<const T>* x,
                                    const view<T>* y) {
        const int each = part_.of.batch;
        const auto turn = [&](int i, const auto* all, int count, auto& these) {
            these.clear();
            for (int k = 0; k < count; ++k) {
                box b = whole(all[k].extents);
                b.n = {i * each, (i + 1) * each};
                these.push_back(all[k].part(b));
            }
        };
        turn_boxes_.clear();
        for (box b : input_boxes_) {
            b.n = {0, each};
            turn_boxes_.push_back(b);
        }
        for (int i = 0; i < turns_; ++i) {
            turn(i, x, plan_.inputs(), turn_x_);
            work.run(schedule_.steps(), {turn_x_.data(), turn_boxes_.data(), nullptr});
            for (int k = 0; k < plan_.outputs(); ++k) work.keep(k, kept(i, k));
        }
        for (int i = 0; i < turns_; ++i) {
            turn(i, y, plan_.outputs(), turn_y_);
            for (int k = 0; k < plan_.outputs(); ++k) work.restore(k, kept(i, k));
            work.run(schedule_.results(), {nullptr, nullptr, turn_y_.data()});
        }
    }
    /// Room for what this rank has of output k of a turn.
    view<T> kept(int turn, int k) const {
        T* const first = kept_.data() + std::size_t(turn) * kept_each(plan_.outputs());
        return dense_view(first + kept_each(k), held_output(k), Backend::template block<T>);
    }
    shape held_output(int k) const {
        return part_.tensors[std::size_t(plan_.output_tensor(k))].inside.extents();
    }
    /// Elements of the first `outputs` outputs.
    std::size_t kept_each(int outputs) const {
        std::size_t sum = 0;
        for (int k = 0; k < outputs; ++k) {
            sum += std::size_t(storage(held_output(k), Backend::template block<T>));
        }
        return sum;
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
        const buffer<T, typename Backend::staging> copy(std::size_t(x.extents.count()));
        Backend::copy(workers_.queue(), x, dense_view(copy.data(), x.extents));
        workers_.queue().finish();
        const auto digest =
            long(io::checksum(std::as_bytes(std::span(copy.data(), copy.size()))) >> 1);
        long first = digest;
        broadcast(*comm_, &first, sizeof first, 0);
        const int other = comm_->size();
        const int bad =
            int(all_reduce(*comm_, first == digest ? long(other) : long(comm_->rank()), MPI_MIN));
        if (bad == other) return;
        throw error(fault::input, "mpar: rank " + std::to_string(bad) +
                                      " was given other images than rank 0, and all ranks are to "
                                      "have the same");
    }

    /// Sizes that no memory has are refused before any is taken.
    [[gnu::cold]] static void probe(std::size_t bytes) {
        if (bytes) Backend::memory::release(Backend::memory::allocate(bytes));
    }

    static void require(std::size_t given, std::size_t wanted, const char* what) {
        if (given == wanted) return;
        throw error(fault::usage, "mpar: " + std::to_string(given) + " " + what +
                                      " given, the network has " + std::to_string(wanted));
    }
    static void require(const char* what, const shape& given, const shape& wanted) {
        if (given == wanted) return;
        const auto text = [](const shape& s) {
            return "[" + std::to_string(s.n) + ", " + std::to_string(s.c) + ", " +
                   std::to_string(s.h) + ", " + std::to_string(s.w) + "]";
        };
        throw error(fault::usage, std::string("mpar: the ") + what + " given are " + text(given) +
                                      ", the network takes " + text(wanted));
    }

    /// Bytes that the hungriest step needs besides its views.
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
                const long elements = Backend::template workspace<T>(c, y, workers_.count());
                most = std::max(most, elements * long(sizeof(T)));
            };
            if (p.leaves.empty()) hungry(p.x.c);
            for (const auto& leaf : p.leaves) hungry(leaf);  // few channels may take more than many
        }
        return most;
    }

    /// The box of input tensor t that this member passes: all of an input that comes whole, and of a
    /// cut one this member's part of its team's part.
    [[gnu::cold]] box share_of_input(int t) const {
        box theirs = part_.tensors[std::size_t(t)].owned;
        if (turns_ > 1) theirs.n = {0, part_.of.batch * turns_};
        if (!workers_.shares_kernels()) return theirs;
        const layout& where = plan_.at(t).where;
        const box part = owned(where, theirs.extents(), {team_->member(), team_->members()},
                               {.c = Backend::template block<T>});
        const box origin{
            {-theirs.n.lo, 0}, {-theirs.c.lo, 0}, {-theirs.h.lo, 0}, {-theirs.w.lo, 0}};
        return relative(part, origin);
    }

    std::shared_ptr<communicator> comm_;
    std::unique_ptr<team> team_, alone_;
    plan plan_;
    int turns_;  ///< micro-batches
    part part_;
    schedule schedule_;
    growing<box> input_boxes_, turn_boxes_;
    growing<view<const T>> turn_x_;  ///< of the images of one turn
    growing<view<T>> turn_y_;
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
