// SPDX-License-Identifier: MIT
// Runs a plan on one rank: memory, exchanges, kernels, in the order of the steps. Knows no net's
// type.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/comm/communicator.hpp>
#include <mpar/net/execute.hpp>
#include <mpar/net/options.hpp>
#include <mpar/net/parameters.hpp>
#include <mpar/net/transfer.hpp>
#include <mpar/net/workers.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace mpar {

/// One rank's network: what remains when the net's type has become a plan.
///
/// Ranks of a node are a team (comm/team.hpp) with one memory, which takes one seat of the mesh; with
/// teaming::off each rank is a team of its own. An image on four seats: forward() copies what this
/// seat reads of it, then for each step
///   exchange   - what its readers need of x and other seats own arrives (halo, all-gather ...)
///   clear      - y's padding becomes zero
///   run        - the kernel computes this seat's part of y; a team's members share its units
/// and at last the output is gathered for the caller.
template <class Backend, class T>
class engine {
public:
    /// requires: `p` lives as long as the engine; the same plan and options on all ranks. collective.
    /// throws: error(device) on every rank when memory is not to be had on one.
    engine(communicator comm, const plan& p, const options& o)
        : comm_(std::make_unique<communicator>(std::move(comm))),
          team_(std::make_unique<team>(*comm_, works_in_teams<Backend> ? o.team : teaming::off,
                                       o.team_size)),
          alone_(std::make_unique<team>(*comm_, teaming::off)),
          plan_(p),
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
        const auto arena = std::size_t(part_.arena_elements + spaces * workspace_) * sizeof(T);
        agree(*comm_, [&] { probe(weights_->bytes() + arena); });
        agree(*comm_, [&] { weights_->allocate(); });  // a team's members fail together
        agree(*comm_, [&] { arena_ = {*team_, arena}; });
        input_box_ = share_of_input();
        if (!team_->exchanges()) part_.leave_messages();
    }
    engine(engine&&) = default;
    ~engine() {
        if (!team_) return;  // moved from
        if (workers_.is_broken()) team_->mark_broken();
        if (team_->is_broken() && transfer_) transfer_->abandon();
    }

    /// Gives up the weights that are there: forward() refuses until the next load().
    void unload() { loaded_ = false; }

    /// Every rank loads its share; none has loaded when one could not. collective.
    /// throws: what `read` throws on some rank, on every rank.
    void load(const parameter_reader<T>& read) {
        unload();
        agree(*comm_, [&] { weights_->load(workers_.queue(), read); });
        loaded_ = true;
    }
    /// The same with weights that were packed before by this rank's recipe, used in place.
    void load(const packed_weights& from) {
        unload();
        agree(*comm_, [&] { weights_->take(workers_.queue(), from); });
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
        try {
            run(x, y, functions);
        } catch (...) {
            if (team_->members() > 1) team_->mark_broken();  // nobody meets the others any more
            throw;
        }
    }

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
        return detail::with_batch(plan_.output().extents, part_.of.batch);
    }

    /// Of memory that is this rank's: what a team has in common is its first member's.
    std::size_t weights_bytes() const { return team_->exchanges() ? weights_->bytes() : 0; }
    std::size_t activations_bytes() const {
        return (team_->leads() ? arena_.bytes() : 0) + (transfer_ ? transfer_->bytes() : 0);
    }

private:
    void run(const view<const T>& x, const view<T>& y, const net_functions<Backend, T>& functions) {
        bring_in(x);
        std::size_t next = 0;  // exchange
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            workers_.announce(int(i), plan_.steps[i].what.name);
            for (; next < part_.exchanges.size() && part_.exchanges[next].before_step == int(i) &&
                   !part_.exchanges[next].overlapped;
                 ++next) {
                start(next);
                finish(next);
            }
            if (plan_.steps[i].what.kind == op::result) {
                workers_.alone([&] {
                    const auto& s = plan_.steps[i];
                    Backend::copy(queue(), view<const T>(region(s.x, part_.steps[i].x)), y);
                });
                continue;
            }
            clear_padding(plan_.steps[i].y);
            const bool awaits =
                next < part_.exchanges.size() && part_.exchanges[next].before_step == int(i);
            run_step(int(i), functions, awaits ? int(next++) : -1);
        }
        workers_.meet();  // nobody brings the next images in while another reads the output
        queue().finish();
    }

    /// The rows of y in an order in which messages travel meanwhile. `awaited`: the overlapped
    /// exchange that brings what the step's edges read; -1: none.
    void run_step(int i, const net_functions<Backend, T>& functions, int awaited) {
        const auto& mine = part_.steps[std::size_t(i)];
        const range rows = mine.y.h;
        const int sent = overlapped_of(plan_.steps[std::size_t(i)].y);
        if (awaited >= 0) {
            run_rows(i, functions, mine.early);
            finish(std::size_t(awaited));
            run_rows(i, functions, {rows.lo, mine.early.lo});
            run_rows(i, functions, {mine.early.hi, rows.hi});
            if (sent >= 0) start(std::size_t(sent));
        } else if (sent >= 0 && !mine.late.empty()) {
            run_rows(i, functions, {rows.lo, mine.late.lo});
            run_rows(i, functions, {mine.late.hi, rows.hi});
            start(std::size_t(sent));
            run_rows(i, functions, mine.late);
        } else {
            run_rows(i, functions, rows);
            if (sent >= 0) start(std::size_t(sent));
        }
    }

    void run_rows(int i, const net_functions<Backend, T>& functions, range rows) {
        const auto& s = plan_.steps[std::size_t(i)];
        box y = part_.steps[std::size_t(i)].y;
        y.h = in_common(s.y) ? member_share(rows) : rows;
        if (y.empty()) return workers_.meet();  // as after a kernel: memory is used again
        if (s.what.kind == op::custom) {
            run_custom(i, functions, y);
        } else {
            run_part(i, functions, y);
        }
        workers_.meet_after_kernel();
    }
    void run_part(int i, const net_functions<Backend, T>& functions, const box& y) {
        const auto& s = plan_.steps[std::size_t(i)];
        const auto a = arguments_of(i, y);
        if (functions.steps) return functions.steps[i](a);
        execute<Backend, T>(s.what, a, s.custom < 0 ? nullptr : functions.customs[s.custom]);
    }

    /// Whether every member of the team is to have the whole of tensor t in the memory of all.
    bool in_common(int t) const {
        return !workers_.shares_kernels() && team_->members() > 1 &&
               plan_.tensors[std::size_t(t)].where == layout::replicate;
    }
    /// What this member does of rows that all are to have; few are left to the first.
    range member_share(range rows) const {
        if (rows.size() < team_->members()) return team_->leads() ? rows : range{};
        const range mine = cut(rows.size(), {team_->member(), team_->members()});
        return {rows.lo + mine.lo, rows.lo + mine.hi};
    }

    /// The overlapped exchange of a tensor, or -1.
    int overlapped_of(int t) const {
        for (std::size_t e = 0; e < part_.exchanges.size(); ++e) {
            if (part_.exchanges[e].tensor == t && part_.exchanges[e].overlapped) return int(e);
        }
        return -1;
    }

    setting setting_of(const options& o) const {
        setting s{{team_->seat(), team_->seats()},
                  o.batch,
                  Backend::template block<T>,
                  int(sizeof(T)),
                  team_->first_seats()};
        if (!o.exact) s.winograd_tile = &Backend::template winograd_tile<T>;
        return s;
    }

    /// Sizes that no memory has are refused before any is taken.
    static void probe(std::size_t bytes) {
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
    long workspace() const {
        long most = 0;
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            const auto& s = plan_.steps[i];
            const auto& p = part_.steps[i];
            if (s.what.kind != op::convolution) continue;
            most = std::max(most,
                            Backend::template workspace<T>(problem_of(s.what, p.x.c, p.y, p.tile),
                                                           p.y.extents(), workers_.count()));
        }
        return most;
    }

    /// Of an input that comes whole, all; of a cut one, this member's part of its team's part.
    box share_of_input() const {
        const box theirs = part_.tensors.front().owned;
        if (!workers_.shares_kernels()) return theirs;
        const layout where = plan_.tensors.front().where;
        const box part = owned(where, theirs.extents(), {team_->member(), team_->members()},
                               Backend::template block<T>);
        const box origin{
            {-theirs.n.lo, 0}, {-theirs.c.lo, 0}, {-theirs.h.lo, 0}, {-theirs.w.lo, 0}};
        return relative(part, origin);
    }

    const tensor_part& memory_of(int t) const { return part_.tensors[std::size_t(t)]; }

    /// All that this rank holds of a tensor.
    view<T> whole_of(int t) {
        const auto& m = memory_of(t);
        return dense_view(arena() + m.offset, m.held.extents(), Backend::template block<T>);
    }
    /// A box of a tensor, in the indices of the whole tensor.
    view<T> region(int t, const box& b) {
        if (b.empty()) return {};
        return whole_of(t).part(relative(b, memory_of(t).held));
    }
    T* arena() const { return static_cast<T*>(arena_.data()); }

    typename Backend::queue& queue() { return workers_.queue(); }

    /// Members bring what is theirs; of what comes whole to all, each brings some rows.
    void bring_in(const view<const T>& x) {
        const auto& m = memory_of(0);
        workers_.announce(0, "input");
        box given = intersection(m.inside, input_box_);
        if (plan_.tensors.front().where == layout::replicate) given.h = member_share(given.h);
        workers_.alone([&] {
            if (team_->leads()) clear_margin(0);
            if (given.empty()) return;
            Backend::copy(queue(), x.part(relative(given, input_box_)), region(0, given));
        });
        workers_.meet();
    }

    /// Nobody reads it before the step's end, where all meet.
    void clear_padding(int t) {
        if (team_->member() != team_->members() - 1) return;
        workers_.alone([&] { clear_margin(t); });
    }
    void clear_margin(int t) {
        const auto& m = memory_of(t);
        if (m.held == m.inside || m.held.empty()) return;
        Backend::clear_margin(queue(), whole_of(t), relative(m.inside, m.held));
    }

    /// A user's layer knows nothing of teams: its output is divided for it where it can be.
    void run_custom(int i, const net_functions<Backend, T>& functions, const box& y) {
        const auto& s = plan_.steps[std::size_t(i)];
        // Lanes without a channel are zero; a user's layer need not know of them.
        const auto& m = memory_of(s.y);
        if (m.held.c.size() % Backend::template block<T> != 0) {
            const auto clear = [&] { Backend::clear_margin(queue(), region(s.y, y), box{}); };
            if (workers_.shares_kernels()) {
                workers_.once(clear);
            } else {
                workers_.alone(clear);
            }
        }
        const int units = std::min(y.h.size(), 8 * (workers_.count() - 1) + 1);
        workers_.share(units, [&](int u) {
            box b = y;
            const range rows = cut(y.h.size(), {u, units});
            b.h = {y.h.lo + rows.lo, y.h.lo + rows.hi};
            run_part(i, functions, b);
        });
    }

    void start(std::size_t e) {
        const int t = part_.exchanges[e].tensor;
        workers_.once([&] { transfer_->start(queue(), e, whole_of(t), memory_of(t).held); });
    }
    void finish(std::size_t e) {
        const int t = part_.exchanges[e].tensor;
        const auto doing = [&] { return words_of(part_.exchanges[e]); };
        workers_.once(
            [&] { transfer_->finish(queue(), e, whole_of(t), memory_of(t).held, doing); });
    }
    std::string words_of(const exchange& e) const {
        return std::string(name_of(e.name)) + " before step " + std::to_string(e.before_step) +
               " (" + std::string(plan_.steps[std::size_t(e.before_step)].what.name) + ")";
    }

    /// For the part `y` of step i's output.
    arguments<Backend, T> arguments_of(int i, const box& y) {
        const auto& s = plan_.steps[std::size_t(i)];
        const auto& p = part_.steps[std::size_t(i)];
        const shape image =
            detail::with_batch(plan_.tensors[std::size_t(s.x)].extents, part_.of.batch);
        const auto outside = [](range read, int extent) {
            return range{std::max(0, -read.lo), std::max(0, read.hi - extent)};
        };
        const box x = reads(s.what, y, image, part_.of.block, p.tile);
        const range rows = outside(x.h, image.h), columns = outside(x.w, image.w);
        return {.queue = queue(),
                .x = region(s.x, x),
                .residual = s.residual < 0 ? view<T>{} : region(s.residual, y),
                .y = region(s.y, y),
                .where = y,
                .in_channels = x.c,
                .tile = p.tile,
                .padding = {rows.lo, rows.hi, columns.lo, columns.hi},
                .weights = weights_->weights(i),
                .bias = weights_->bias(i),
                .workspace = arena() + part_.arena_elements +
                             (workers_.shares_kernels() ? 0 : team_->member() * workspace_)};
    }

    std::unique_ptr<communicator> comm_;
    std::unique_ptr<team> team_, alone_;
    plan plan_;
    part part_;
    box input_box_;
    workers<Backend> workers_;
    long workspace_ = 0;
    std::optional<parameters<Backend, T>> weights_;
    std::optional<transfer<Backend, T>> transfer_;
    team_memory<typename Backend::memory> arena_;
    bool loaded_ = false;
};

}  // namespace mpar
