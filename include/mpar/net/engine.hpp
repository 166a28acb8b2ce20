// SPDX-License-Identifier: MIT
// Runs a plan on one rank: memory, exchanges, kernels, in the order of the steps. Knows no net's
// type.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/comm/communicator.hpp>
#include <mpar/net/execute.hpp>
#include <mpar/net/parameters.hpp>
#include <mpar/net/transfer.hpp>

#include <optional>
#include <span>
#include <string>

namespace mpar {

/// One rank's network: what remains when the net's type has become a plan.
///
/// An image on four ranks: forward() copies what this rank reads of it, then for each step
///   exchange   - what its readers need of x and other ranks own arrives (halo, all-gather ...)
///   clear      - y's padding becomes zero
///   run        - the kernel computes this rank's part of y
/// and at last the output is gathered for the caller.
template <class Backend, class T>
class engine {
public:
    /// requires: `p` lives as long as the engine; the same plan and batch on all ranks. collective.
    /// throws: error(device) on every rank when memory is not to be had on one.
    engine(communicator comm, const plan& p, int batch)
        : comm_(std::move(comm)),
          plan_(p),
          part_(partition(
              p,
              {{comm_.rank(), comm_.size()}, batch, Backend::template block<T>, int(sizeof(T))})) {
        agree(comm_, [&] {
            weights_.emplace(plan_, part_);
            transfer_.emplace(part_);
            arena_ = buffer<T, typename Backend::memory>(std::size_t(part_.arena_elements));
        });
    }
    engine(engine&&) = default;
    ~engine() {
        if (comm_.is_broken() && transfer_) transfer_->abandon();
    }

    /// Gives up the weights that are there: forward() refuses until the next load().
    void unload() { loaded_ = false; }

    /// Every rank loads its share; none has loaded when one could not. collective.
    /// throws: what `read` throws on some rank, on every rank.
    void load(const parameter_reader<T>& read) {
        unload();
        agree(comm_, [&] { weights_->load(queue_, read); });
        loaded_ = true;
    }

    /// x: what this rank passes of the images; y: the whole output. Both in the backend's memory.
    /// collective. Allocates nothing on the device; work is complete when it returns.
    void forward(const view<const T>& x, const view<T>& y,
                 const net_functions<Backend, T>& functions) {
        require(x.extents == input_box().extents(), "images", x.extents, input_box().extents());
        require(y.extents == output_shape(), "output", y.extents, output_shape());
        if (!loaded_)
            throw error(fault::usage, "mpar: the network has no weights yet: load them first");
        bring_in(x);
        std::size_t next_exchange = 0;
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            for (; next_exchange < part_.exchanges.size() &&
                   part_.exchanges[next_exchange].before_step == int(i);
                 ++next_exchange) {
                carry_out(part_.exchanges[next_exchange]);
            }
            const auto& s = plan_.steps[i];
            if (s.what.kind == op::result) {
                Backend::copy(queue_, view<const T>(region(s.x, part_.steps[i].x)), y);
                continue;
            }
            clear_padding(s.y);
            if (part_.steps[i].y.empty()) continue;
            if (s.what.kind == op::custom) clear_lanes(s.y);
            const auto a = arguments_of(int(i));
            if (functions.steps) {
                functions.steps[i](a);
            } else {
                execute<Backend, T>(s.what, a,
                                    s.custom < 0 ? nullptr : functions.customs[s.custom]);
            }
        }
        queue_.finish();
    }

    const plan& steps() const { return plan_; }
    const part& mine() const { return part_; }
    communicator& comm() { return comm_; }
    const communicator& comm() const { return comm_; }

    /// What this rank passes of the images, in the indices of the whole batch.
    const box& input_box() const { return part_.tensors.front().owned; }
    shape output_shape() const {
        return detail::with_batch(plan_.output().extents, part_.of.batch);
    }

    std::size_t weights_bytes() const { return weights_->bytes(); }
    std::size_t activations_bytes() const { return arena_.bytes() + transfer_->bytes(); }

private:
    static void require(bool right, const char* what, const shape& given, const shape& wanted) {
        if (right) return;
        const auto text = [](const shape& s) {
            return "[" + std::to_string(s.n) + ", " + std::to_string(s.c) + ", " +
                   std::to_string(s.h) + ", " + std::to_string(s.w) + "]";
        };
        throw error(fault::usage, std::string("mpar: the ") + what + " given are " + text(given) +
                                      ", the network takes " + text(wanted));
    }

    const tensor_part& memory_of(int t) const { return part_.tensors[std::size_t(t)]; }

    /// All that this rank holds of a tensor.
    view<T> whole_of(int t) {
        const auto& m = memory_of(t);
        return dense_view(arena_.data() + m.offset, m.held.extents(), Backend::template block<T>);
    }
    /// A box of a tensor, in the indices of the whole tensor.
    view<T> region(int t, const box& b) {
        if (b.empty()) return {};
        return whole_of(t).part(relative(b, memory_of(t).held));
    }

    void bring_in(const view<const T>& x) {
        const auto& m = memory_of(0);
        const box given = intersection(m.inside, m.owned);
        clear_padding(0);
        if (given.empty()) return;
        Backend::copy(queue_, x.part(relative(given, m.owned)), region(0, given));
    }

    void clear_padding(int t) {
        const auto& m = memory_of(t);
        if (m.held == m.inside || m.held.empty()) return;
        Backend::clear_margin(queue_, whole_of(t), relative(m.inside, m.held));
    }

    /// Lanes without a channel are zero; a user's layer need not know of them.
    void clear_lanes(int t) {
        const auto& m = memory_of(t);
        if (m.held.c.size() % Backend::template block<T> == 0) return;
        Backend::clear_margin(queue_, whole_of(t), box{});
    }

    void carry_out(const exchange& e) {
        transfer_->run(queue_, comm_, e, whole_of(e.tensor), memory_of(e.tensor).held, [&] {
            return std::string(name_of(e.name)) + " before step " + std::to_string(e.before_step) +
                   " (" + std::string(plan_.steps[std::size_t(e.before_step)].what.name) + ")";
        });
    }

    arguments<Backend, T> arguments_of(int i) {
        const auto& s = plan_.steps[std::size_t(i)];
        const auto& p = part_.steps[std::size_t(i)];
        const shape image = plan_.tensors[std::size_t(s.x)].extents;
        const auto outside = [](range read, int extent) {
            return range{std::max(0, -read.lo), std::max(0, read.hi - extent)};
        };
        const range rows = outside(p.x.h, image.h), columns = outside(p.x.w, image.w);
        return {.queue = queue_,
                .x = region(s.x, p.x),
                .residual = s.residual < 0 ? view<T>{} : region(s.residual, p.y),
                .y = region(s.y, p.y),
                .where = p.y,
                .in_channels = p.x.c,
                .padding = {rows.lo, rows.hi, columns.lo, columns.hi},
                .weights = weights_->weights(i),
                .bias = weights_->bias(i)};
    }

    communicator comm_;
    plan plan_;
    part part_;
    typename Backend::queue queue_;
    std::optional<parameters<Backend, T>> weights_;
    std::optional<transfer<Backend, T>> transfer_;
    buffer<T, typename Backend::memory> arena_;
    bool loaded_ = false;
};

}  // namespace mpar
