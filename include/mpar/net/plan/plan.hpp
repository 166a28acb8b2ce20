// SPDX-License-Identifier: MIT
// What all ranks agree on: steps, tensors, parameters. Knows no rank, no batch and no memory.
#pragma once

#include <mpar/layers/operation.hpp>
#include <mpar/net/graph/tape.hpp>

#include <array>
#include <span>
#include <string_view>

namespace mpar {

/// One step: reads x (and residual), writes y. Indices are into the plan's tensors; -1: none.
struct step {
    operation what;
    place where;
    int x = -1, residual = -1, y = -1;
    int weights = -1;  ///< first of its own parameters
    int norm = -1;     ///< first of the four of a batch_norm folded into it
    int custom = -1;   ///< which of the net's own layers computes it
    int entry = -1;    ///< of the tape: where its policy stands; -1: the network's end
};

/// A tensor between steps, for one image.
struct tensor {
    shape extents;
    layout where = layout::replicate;
    int producer = -1;     ///< step that writes it, the first of a concat's; -1: the caller
    int last_reader = -1;  ///< step after which its memory is free
};

/// A parameter as weight files hold it.
struct parameter {
    enum class role { filters, bias, scale, shift, mean, variance, custom };

    role is = role::filters;
    int layer = 0;  ///< counts the layers that have parameters
    place where;
    std::string_view suffix;  ///< "weight", "running_mean", ...
    std::array<int, 4> extents{};
    int rank = 1;

    constexpr long count() const {
        long product = 1;
        for (int i = 0; i < rank; ++i) product *= extents[static_cast<std::size_t>(i)];
        return product;
    }
};

/// A plan as everything that runs or prints it sees it. Tensor 0 is the input; the last step is
/// op::result, which reads the output.
struct plan {
    std::span<const step> steps;
    std::span<const tensor> tensors;
    std::span<const parameter> parameters;

    constexpr const tensor& input() const { return tensors.front(); }
    constexpr const tensor& output() const {
        return tensors[static_cast<std::size_t>(steps.back().x)];
    }
};

}  // namespace mpar
