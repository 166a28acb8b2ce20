// SPDX-License-Identifier: MIT
// The ranks of a communicator as a named axis, of static or dynamic extent. Knows no layer.
#pragma once

#include <mpar/core/error.hpp>

#include <string>

namespace mpar {

/// An extent that is known only when the network is constructed.
inline constexpr int dynamic = -1;

namespace axis {

/// The axis over which layers are sharded: axis::model<4>, axis::model<dynamic>.
template <int Ranks = dynamic>
struct model {
    static_assert(Ranks == dynamic || Ranks > 0, "mpar: a mesh axis has at least one rank");
    static constexpr int ranks = Ranks;
};

}  // namespace axis

/// The ranks of a job as seen by a network: mesh<axis::model<4>>.
template <class Model = axis::model<dynamic>>
struct mesh {
    using model = Model;
    static constexpr bool is_static = Model::ranks != dynamic;
};

/// throws: error(usage) when `ranks` ranks cannot be that mesh. The same on every rank.
template <class Mesh>
void require_mesh(int ranks) {
    if constexpr (Mesh::is_static) {
        if (ranks != Mesh::model::ranks) {
            throw error(fault::usage, "mpar: the mesh has " + std::to_string(Mesh::model::ranks) +
                                          " ranks on its model axis, the communicator has " +
                                          std::to_string(ranks));
        }
    }
}

}  // namespace mpar
