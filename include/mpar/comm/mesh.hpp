// SPDX-License-Identifier: MIT
// The ranks of a communicator as named axes, of static or dynamic extents. Knows no layer.
#pragma once

#include <mpar/core/error.hpp>

#include <string>

namespace mpar {

/// An extent that is known only when the network is constructed.
inline constexpr int dynamic = -1;

namespace axis {

/// The axis over which layers are sharded: axis::model<4>, axis::model<dynamic>; axis::model<2, 3>
/// has two dimensions, as shard::tiles and shard::grid cut. Without the second they take the most
/// nearly square one: 4 is 2 x 2, 6 is 3 x 2.
template <int Ranks = dynamic, int Second = 0>
struct model {
    static_assert(Ranks == dynamic || Ranks > 0, "mpar: a mesh axis has at least one rank");
    static_assert(Second >= 0 && (Second == 0 || Ranks != dynamic),
                  "mpar: both dimensions of a model axis are static, or none is");
    static constexpr int ranks = Second ? Ranks * Second : Ranks;
    static constexpr int second = Second;
};

/// The axis over which images of a batch are cut, each part with all weights of its own.
template <int Ranks = dynamic>
struct data {
    static_assert(Ranks == dynamic || Ranks > 0, "mpar: a mesh axis has at least one rank");
    static constexpr int ranks = Ranks;
};

}  // namespace axis

/// The ranks of a job as a network sees them: mesh<axis::model<4>>, or mesh<axis::data<2>,
/// axis::model<4>>, in which ranks 0 to 3 have the first part of the data. mesh<> is any number of
/// ranks, and options::data says how many of them form the data axis.
template <class First = axis::model<>, class Second = void>
struct mesh {
    static_assert(sizeof(First) == 0, "mpar: a mesh is mesh<>, mesh<axis::model<P>> or "
                                      "mesh<axis::data<D>, axis::model<P>>");
};
template <int Ranks, int Second>
struct mesh<axis::model<Ranks, Second>, void> {
    using model = axis::model<Ranks, Second>;
    using data = axis::data<Ranks == dynamic ? dynamic : 1>;
    static constexpr bool is_static = Ranks != dynamic;
};
template <int D, int Ranks, int Second>
struct mesh<axis::data<D>, axis::model<Ranks, Second>> {
    static_assert((D == dynamic) == (Ranks == dynamic),
                  "mpar: both axes of a mesh are static, or none is");
    using model = axis::model<Ranks, Second>;
    using data = axis::data<D>;
    static constexpr bool is_static = Ranks != dynamic;
};

/// The extent of the data axis of a mesh of `ranks` ranks; `asked` where the mesh does not say.
/// throws: error(usage) when `ranks` ranks cannot be that mesh. The same on every rank.
template <class Mesh>
int require_mesh(int ranks, int asked = 1) {
    const auto refuse = [](const std::string& words) {
        throw error(fault::usage, "mpar: " + words);
    };
    if constexpr (Mesh::is_static) {
        constexpr int data = Mesh::data::ranks, model = Mesh::model::ranks;
        const std::string of = data == 1 ? std::to_string(model) + " ranks on its model axis"
                                         : std::to_string(data) + " x " + std::to_string(model) +
                                               " ranks on its data and model axes";
        if (ranks != data * model) {
            refuse("the mesh has " + of + ", the communicator has " + std::to_string(ranks));
        }
        if (asked != 1 && asked != data) {
            refuse("the mesh has " + std::to_string(data) + " ranks on its data axis, not " +
                   std::to_string(asked));
        }
        return data;
    } else {
        if (asked < 1 || ranks % asked != 0) {
            refuse("a data axis of " + std::to_string(asked) + " ranks does not divide the " +
                   std::to_string(ranks) + " of the communicator");
        }
        return asked;
    }
}

}  // namespace mpar
