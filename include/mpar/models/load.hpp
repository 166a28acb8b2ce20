// SPDX-License-Identifier: MIT
// Weights from a file into a network: every tensor accounted for, the same on all ranks.
// Knows names and files; nothing of layouts and packing.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/io/weights.hpp>
#include <mpar/models/names.hpp>
#include <mpar/net/parameters.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace mpar {

namespace detail {

/// As the network's element type holds them: a double may be too large for a float.
template <class T>
void require_finite(const io::stored_tensor& tensor, const io::refusal& refuse) {
    constexpr std::int64_t rows_at_once = 64;
    std::vector<T> values;
    std::size_t seen = 0;
    const std::int64_t rows = tensor.rows();
    for (std::int64_t begin = 0; begin < rows; begin += rows_at_once) {
        const std::int64_t end = std::min(rows, begin + rows_at_once);
        values.resize(tensor.count() / std::size_t(rows) * std::size_t(end - begin));
        io::read_rows(tensor, begin, end, values.data());
        const auto bad = std::ranges::find_if_not(values, [](T v) { return std::isfinite(v); });
        if (bad != values.end()) {
            refuse("tensor '" + io::printable(tensor.name) + "' has " +
                   (std::isnan(*bad) ? "NaN" : "infinity") + " at element " +
                   std::to_string(seen + std::size_t(bad - values.begin())));
        }
        seen += values.size();
    }
}

/// Eight bytes at a time; any flipped bit changes it.
inline std::uint64_t digest(std::uint64_t sum, std::span<const std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, std::min<std::size_t>(8, bytes.size() - i));
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 32;
    }
    return sum;
}

/// Checks a file against the plan's parameters: each there once, of its shape, finite; none besides
/// but num_batches_tracked. returns: a digest of the values. throws: error(model), error(numbers).
template <class T>
std::uint64_t check_weights(const plan& p, const std::vector<std::string>& names,
                            const io::tensor_file& file) {
    const io::refusal refuse(fault::model, file.source());
    const io::refusal bad_number(fault::numbers, file.source());
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto* tensor = file.find(names[i]);
        if (!tensor) refuse("tensor '" + names[i] + "' is missing");
        const auto& q = p.parameters[i];
        const std::vector<std::int64_t> wanted(q.extents.begin(), q.extents.begin() + q.rank);
        if (tensor->shape != wanted) {
            refuse("tensor '" + names[i] + "' is " + io::spelled(tensor->shape) +
                   ", the network takes " + io::spelled(wanted));
        }
        if (tensor->type != dtype::f32 && tensor->type != dtype::f64 &&
            tensor->type != dtype::f16 && tensor->type != dtype::bf16) {
            refuse("tensor '" + names[i] + "' is " + std::string(name_of(tensor->type)) +
                   ", the network takes F32, F64, F16 or BF16");
        }
        require_finite<T>(*tensor, bad_number);
        sum = digest(sum + std::uint64_t(tensor->type), tensor->bytes);
    }
    std::vector<std::string> sorted = names;
    std::ranges::sort(sorted);
    for (const auto& tensor : file.tensors()) {
        if (tensor.name.ends_with("num_batches_tracked")) continue;
        if (!std::ranges::binary_search(sorted, tensor.name)) {
            refuse("tensor '" + io::printable(tensor.name) +
                   "' belongs to no layer of the network");
        }
    }
    return sum;
}

}  // namespace detail

/// Loads a safetensors or .pth file into a network whose layers are called `layers` there (none: by
/// their positions, "0.weight"). Each rank reads the file and keeps its share. collective.
/// throws, the same on every rank: error(model) when the file is missing or bad on one, a tensor is
/// missing, extra, of another shape or type, or the ranks read different values; error(numbers)
/// when one is NaN or infinite. The network is then as if never loaded.
template <class Network>
void load(Network& net, const std::string& path, const std::vector<std::string>& layers) {
    using T = typename Network::element;
    net.unload();
    const auto names = parameter_names(net.steps(), layers);
    std::optional<io::tensor_file> file;
    std::uint64_t sum = 0;
    agree(net.comm(), [&] {
        file.emplace(io::read_weights(path));
        sum = detail::check_weights<T>(net.steps(), names, *file);
    });
    agree_on(net.comm(), sum, fault::model,
             "mpar: " + io::printable_path(path) + ": the ranks have read different weights");
    net.load([&](int index, range rows, T* out) {
        io::read_rows(*file->find(names[std::size_t(index)]), rows.lo, rows.hi, out);
    });
}

/// The same with the names that the net itself knows.
template <class Net, class Mesh, class Backend, class T,
          template <class, class, class, class> class Network>
void load(Network<Net, Mesh, Backend, T>& net, const std::string& path) {
    load(net, path, layer_names_of<Net>());
}

}  // namespace mpar
