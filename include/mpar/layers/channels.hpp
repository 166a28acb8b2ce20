// SPDX-License-Identifier: MIT
// Some of the channels that come. Knows no net; where the taken ones lie is the plan's work.
#pragma once

#include <mpar/layers/layer.hpp>

namespace mpar {

/// y[n, c, h, w] = x[n, Lo + c, h, w], the channels [Lo, Hi); Hi = 0: to the last one.
///
/// Costs nothing where Lo is a multiple of the backend's block, for y then lies in x; else a copy.
/// Policies: shard::follow (default: rows and batches as they come, cut channels are gathered),
/// none, batch, rows, output.
template <int Lo, int Hi = 0, class Policy = shard::follow>
struct channels {
    static_assert(Lo >= 0 && (Hi == 0 || Lo < Hi), "mpar: channels<Lo, Hi> takes at least one");

    static constexpr operation describe() {
        channels_op o;
        o.shift = Lo;
        o.count = Hi ? Hi - Lo : 0;
        return {o, name_of<channels>(), Policy::value};
    }
};

}  // namespace mpar
