// SPDX-License-Identifier: MIT
// A rank's parameters: unpacked ones where they are kept, and what is packed of them. Knows when
// which of the two are made; nothing of values and files.
#pragma once

#include <mpar/net/run/packed.hpp>
#include <mpar/net/run/stored.hpp>

#include <cstddef>
#include <memory>

namespace mpar {

/// This rank's share of all parameters in the backend's memory. Steps compute with the packed ones.
/// load() keeps nothing else; store() keeps the unpacked ones too, of which pack() makes the packed
/// ones anew after a change.
template <class Backend, class T>
class parameters {
public:
    /// requires: `mine` and the team live as long as this.
    parameters(const plan& p, const part& mine, team& where)
        : packed_(p, mine, where), plan_(p), part_(&mine), team_(&where) {}

    const T* weights(int step, int leaf = 0) const { return packed_.weights(step, leaf); }
    const T* bias(int step) const { return packed_.bias(step); }

    /// Of the packed ones, and of the unpacked ones that are kept.
    std::size_t bytes() const { return packed_.bytes(); }
    std::size_t stored_bytes() const { return stored_ ? stored_->bytes() : 0; }

    /// The ranks that have one copy of them.
    const team& sharers() const { return *team_; }
    recipe made_by() const { return packed_.made_by(); }
    packed_weights packed(typename Backend::queue& queue) const { return packed_.packed(queue); }

    /// Packs what `read` gives, layer after layer: packed_parameters::pack.
    void load(typename Backend::queue& queue, const parameter_reader<T>& read) {
        stored_.reset();
        packed_.pack(queue, read);
    }
    /// The same with weights that are packed already: packed_parameters::take.
    void take(typename Backend::queue& queue, const packed_weights& from) {
        stored_.reset();
        packed_.take(queue, from);
    }

    /// Reads and keeps; nothing is packed before pack(). collective over the team; the caller sees
    /// to it that all are done. throws: what `read` throws; error(device).
    void store(typename Backend::queue& queue, const parameter_reader<T>& read) {
        stored_.reset();
        stored_ = std::make_unique<stored_parameters<Backend, T>>(plan_, *part_, *team_);
        stored_->read(queue, read);
    }
    /// What store() has kept; nullptr: nothing.
    const stored_parameters<Backend, T>* kept() const { return stored_.get(); }
    /// Makes the packed ones of what is kept. requires: kept(). collective and throws as load().
    void pack(typename Backend::queue& queue) {
        packed_.pack(queue,
                     [&](int i, range rows, T* out) { stored_->copy_rows(queue, i, rows, out); });
    }

private:
    packed_parameters<Backend, T> packed_;
    plan plan_;
    const part* part_;
    team* team_;
    std::unique_ptr<stored_parameters<Backend, T>> stored_;
};

}  // namespace mpar
