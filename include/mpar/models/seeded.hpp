// SPDX-License-Identifier: MIT
// Weights made from the parameters' names, for tests and timings without a file. Knows no file.
#pragma once

#include <mpar/io/seeded.hpp>
#include <mpar/models/names.hpp>
#include <mpar/net/parameters.hpp>

namespace mpar {

/// Reads seeded weights: io::seeded_tensor of each parameter's name.
template <class T>
parameter_reader<T> seeded_reader(const plan& p, const std::vector<std::string>& layers) {
    return [p, names = parameter_names(p, layers)](int index, range rows, T* out) {
        const auto& q = p.parameters[std::size_t(index)];
        const std::vector<std::int64_t> extents(q.extents.begin(), q.extents.begin() + q.rank);
        const io::seeded_tensor values(names[std::size_t(index)], extents);
        const std::size_t row = values.size() / std::size_t(q.extents[0]);
        for (std::size_t i = row * std::size_t(rows.lo); i < row * std::size_t(rows.hi); ++i) {
            *out++ = values[i];
        }
    };
}

/// Loads seeded weights into a network; no communication but the agreement. collective.
template <class Net, class Mesh, class Backend, class T,
          template <class, class, class, class> class Network>
void load_seeded(Network<Net, Mesh, Backend, T>& net) {
    net.load(seeded_reader<T>(net.steps(), layer_names_of<Net>()));
}

}  // namespace mpar
