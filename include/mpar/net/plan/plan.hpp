// SPDX-License-Identifier: MIT
// What all ranks agree on: steps, tensors, parameters. Knows no rank, no batch and no memory.
#pragma once

#include <mpar/net/graph/place.hpp>
#include <mpar/operators/operation.hpp>
#include <mpar/shard/layout.hpp>

#include <array>
#include <span>
#include <string_view>

namespace mpar {

/// The few tensors that a step reads, as indices into the plan's.
class tensor_list {
public:
    static constexpr int most = 3;

    constexpr tensor_list() = default;
    constexpr explicit(false) tensor_list(int only) : of_{short(only)}, count_(1) {}
    constexpr tensor_list(int first, int second) : of_{short(first), short(second)}, count_(2) {}

    constexpr int size() const { return count_; }
    constexpr int operator[](int i) const { return of_[static_cast<std::size_t>(i)]; }
    constexpr const short* begin() const { return of_.data(); }
    constexpr const short* end() const { return of_.data() + count_; }
    constexpr void add(int t) { of_[static_cast<std::size_t>(count_++)] = short(t); }
    /// Whether input i is the first one that is its tensor.
    constexpr bool is_first(int i) const { return index_of((*this)[i]) == i; }
    /// The first input that is tensor t; -1: none is.
    constexpr int index_of(int t) const {
        for (int i = 0; i < count_; ++i) {
            if ((*this)[i] == t) return i;
        }
        return -1;
    }

private:
    std::array<short, most> of_{};
    int count_ = 0;
};

/// One step: reads tensors, writes y. Indices are into the plan's lists; -1: none.
struct step {
    operation what;
    place where;
    tensor_list inputs;  ///< the operation's own, then the one that it adds
    bool adds = false;   ///< the last input is added at the step's end, before the activation
    int y = -1;          ///< -1: the network's end
    int weights = -1;    ///< the first of its own parameters
    int norm = -1;       ///< first of the four of a batch_norm folded into it
    double epsilon = 0;  ///< of that, or of its own
    int custom = -1;     ///< which of the net's own layers computes it
    int entry = -1;      ///< the node whose policy it has; -1: follows what it reads

    constexpr int x() const { return inputs[0]; }
    /// How many inputs are the operation's own.
    constexpr int own_inputs() const { return inputs.size() - adds; }
    constexpr int second() const { return own_inputs() > 1 ? inputs[1] : -1; }
    /// The tensor that it adds at its end.
    constexpr int residual() const { return adds ? inputs[inputs.size() - 1] : -1; }
    /// The input in whose memory y may come to lie: what is added last.
    constexpr int replaceable() const {
        const bool sums = adds || traits_of(what).follows_second;
        const int last = inputs.size() - 1;
        return sums && inputs.is_first(last) ? inputs[last] : -1;
    }
    constexpr bool reads(int t) const { return inputs.index_of(t) >= 0; }
    /// Which elements of input i an output element reads.
    constexpr index_map reads_input(int i) const {
        return i < own_inputs() ? index_map_of(what, i) : index_map{};
    }
};

/// A tensor between steps, for one image.
struct tensor {
    shape extents;
    layout where = layout::replicate;
    int producer = -1;     ///< step that writes it, the first of a concat's; -1: the caller
    int last_reader = -1;  ///< step after which its memory is free; of an unread input -1
};

/// A parameter as weight files hold it: a tensor whose first extent (rows) counts output channels
/// and whose second one (columns) the input channels of a sum.
struct parameter : parameter_form {
    int layer = 0;                      ///< counts the layers that have parameters
    place at;                           ///< where its layer stands in the net
    layout where = layout::everywhere;  ///< `n` cuts its rows, `c` its columns

    constexpr shape as_shape() const {
        shape s{1, 1, 1, 1};
        int* const each[] = {&s.n, &s.c, &s.h, &s.w};
        for (int i = 0; i < rank; ++i) *each[i] = extents[static_cast<std::size_t>(i)];
        return s;
    }
};

/// A plan as everything that runs or prints it sees it. Tensors without a producer are the inputs, the
/// first of all is the first one; the last steps are the net's ends, which read the outputs.
struct plan {
    std::span<const step> steps;
    std::span<const tensor> tensors;
    std::span<const parameter> parameters;

    constexpr const tensor& input(int i = 0) const { return at(input_tensor(i)); }
    constexpr const tensor& output(int i = 0) const { return at(output_tensor(i)); }
    constexpr int inputs() const {
        int count = 0;
        for (const auto& t : tensors) count += t.producer < 0;
        return count;
    }
    constexpr int outputs() const {
        int count = 0;
        for (const auto& s : steps) count += s.y < 0;
        return count;
    }
    /// The tensors that they are, as indices.
    constexpr int input_tensor(int i) const {
        int t = 0;
        while (at(t).producer >= 0 || i-- > 0) ++t;
        return t;
    }
    constexpr int output_tensor(int i) const {
        return steps[steps.size() - std::size_t(outputs() - i)].x();
    }
    constexpr const tensor& at(int t) const { return tensors[static_cast<std::size_t>(t)]; }
    /// The parameters of the layer whose first one is `first`.
    constexpr std::span<const parameter> layer_of(int first) const {
        const auto from = parameters.subspan(static_cast<std::size_t>(first));
        std::size_t count = 0;
        while (count < from.size() && from[count].layer == from.front().layer) ++count;
        return from.first(count);
    }
    /// f(index) for each parameter that a step computes with. Where a sum is cut, the step that
    /// gives its summands takes what multiplies, and the one that ends it all but the filters.
    template <class F>
    constexpr void for_each_parameter(const step& s, F f) const {
        const bool ends = traits_of(s.what).ends_sum;
        const bool begins = s.y >= 0 && !tensors[std::size_t(s.y)].where.partial.empty();
        for (const int first : {s.weights, s.norm}) {
            if (first < 0) continue;
            const int layer = parameters[std::size_t(first)].layer;
            for (int i = first; i < int(parameters.size()); ++i) {
                const parameter& p = parameters[std::size_t(i)];
                if (p.layer != layer) break;
                if ((begins && !multiplies(p.is)) || (ends && p.is == role::filters)) continue;
                f(i);
            }
        }
    }
};

}  // namespace mpar
