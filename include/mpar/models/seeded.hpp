// SPDX-License-Identifier: MIT
// Weights made from the parameters' names, for tests and timings without a file. Knows no file.
#pragma once

#include <mpar/io/seeded.hpp>
#include <mpar/models/names.hpp>
#include <mpar/net/run/parameters.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mpar {

/// A parameter_reader of seeded weights: io::seeded_tensor of each parameter's name.
template <class T>
class seeded_reader {
public:
    seeded_reader(const plan& p, const std::vector<std::string>& layers)
        : plan_(p), names_(parameter_names(p, layers)) {}

    void operator()(int index, range rows, T* out) const {
        const auto& q = plan_.parameters[std::size_t(index)];
        const std::array<std::int64_t, 4> extents{q.extents[0], q.extents[1], q.extents[2],
                                                  q.extents[3]};
        const io::seeded_tensor values(names_[std::size_t(index)],
                                       std::span(extents).first(std::size_t(q.rank)));
        const std::size_t row = values.size() / std::size_t(q.extents[0]);
        for (std::size_t i = row * std::size_t(rows.lo); i < row * std::size_t(rows.hi); ++i) {
            *out++ = values[i];
        }
    }

private:
    plan plan_;
    std::vector<std::string> names_;
};

/// Loads seeded weights into a network whose layers are called `layers` (none: by their positions); no
/// communication but the agreement. collective.
template <class Network>
void load_seeded(Network& net, const std::vector<std::string>& layers) {
    net.load(seeded_reader<typename Network::element>(net.steps(), layers));
}

/// The same with the names that the net itself knows.
template <class Net, class Mesh, class Backend, class T,
          template <class, class, class, class> class Network>
void load_seeded(Network<Net, Mesh, Backend, T>& net) {
    load_seeded(net, layer_names_of<Net>());
}

}  // namespace mpar
