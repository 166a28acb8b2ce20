// SPDX-License-Identifier: MIT
// What all else asks of an operator, as answers in words. Knows no operator.
#pragma once

#include <array>
#include <string_view>

namespace mpar {

/// What lowering may do with an operator in place of giving it a step of its own.
enum class riding {
    never,
    norm,        ///< is folded into the filters of the step before
    activation,  ///< follows in the step before
    sum,         ///< a step before adds the other input at its end
    away,        ///< leaves no step
    vectors,     ///< leaves none where images have one pixel: they are vectors already
    phases,      ///< becomes other operators: operation::phases
    joining,     ///< each input becomes a step that writes its channels of the output
    entering,    ///< is a tensor that the caller passes, and no step
    leaving,     ///< becomes one of the last steps
};

/// What of an operator's weights lies packed in memory.
enum class packed_as {
    nothing,
    filters,    ///< and a shift for each output channel
    scales,     ///< a scale and a shift for each channel
    shifts,     ///< a shift for each channel
    as_loaded,  ///< the parameters one after the other
};

/// One operator's answers.
struct traits {
    int inputs = 1;  ///< of its own; -1: any number, 0: the caller passes what it gives
    riding rides = riding::never;
    packed_as weights = packed_as::nothing;
    bool has_epilogue = false;    ///< an activation may follow in its step
    bool has_filters = false;     ///< sums over channels with weights that policies place
    bool ends_sum = false;        ///< adds up what ranks have summed
    bool moves_channels = false;  ///< its output may lie in its input, or the other way about
    bool follows_second = false;  ///< lies as either input does, the one that is cut
    bool is_of_net = false;       ///< its kernel is a function of the net's own
    bool waits_for_halo = true;   ///< its middle can be computed while a halo travels
    bool takes_image_blocks =
        false;  ///< its kernel reads images of few channels in blocks of those
};

/// What a parameter is to its operator.
enum class role { filters, bias, scale, shift, mean, variance, custom };

/// Whether it is part of what an input is multiplied by, rather than only of what is added after.
constexpr bool multiplies(role r) {
    return r == role::filters || r == role::scale || r == role::variance;
}

/// What cuts an extent of a parameter between ranks.
enum class cut_as : unsigned char {
    nothing,
    outputs,  ///< as the output's channels are cut
    summed,   ///< as the sum over input channels is cut
};

/// A parameter as an operator tells it: how it is called after the layer's name, and its extents.
struct parameter_form {
    role is = role::filters;
    std::string_view suffix;
    std::array<int, 4> extents{};
    int rank = 1;
    cut_as rows = cut_as::nothing, columns = cut_as::nothing;  ///< the first and second extent

    constexpr long count() const {
        long product = 1;
        for (int i = 0; i < rank; ++i) product *= extents[static_cast<std::size_t>(i)];
        return product;
    }
};

}  // namespace mpar
