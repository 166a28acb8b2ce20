// SPDX-License-Identifier: MIT
// Weights from a file into a network: every tensor accounted for, the same on all ranks.
// Knows names and files; nothing of layouts and packing.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/core/finite.hpp>
#include <mpar/core/function_ref.hpp>
#include <mpar/io/checksum.hpp>
#include <mpar/io/weights.hpp>
#include <mpar/models/cache.hpp>
#include <mpar/models/names.hpp>
#include <mpar/models/stored_names.hpp>
#include <mpar/net/run/parameters.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace mpar {

namespace detail {

/// As the network's element type holds them: a double may be too large for a float.
template <class T>
void require_finite(const io::stored_tensor& tensor, const io::refusal& refuse) {
    if (tensor.type == dtype_of<T> && all_finite<T>(tensor.bytes.data(), tensor.count())) return;
    constexpr std::int64_t rows_at_once = 64;
    std::vector<T> values;
    std::size_t seen = 0;
    const std::int64_t rows = tensor.rows();
    for (std::int64_t begin = 0; begin < rows; begin += rows_at_once) {
        const std::int64_t end = std::min(rows, begin + rows_at_once);
        values.resize(tensor.count() / std::size_t(rows) * std::size_t(end - begin));
        io::read_rows(tensor, begin, end, values.data());
        const auto bad =
            all_finite<T>(values.data(), values.size())
                ? values.end()
                : std::ranges::find_if_not(values, [](T v) { return std::isfinite(v); });
        if (bad != values.end()) {
            refuse("tensor '" + io::printable(tensor.name) + "' has " +
                   (std::isnan(*bad) ? "NaN" : "infinity") + " at element " +
                   std::to_string(seen + std::size_t(bad - values.begin())));
        }
        seen += values.size();
    }
}

/// Checks a file against the plan's parameters: each there once, of its shape, finite; none besides
/// but num_batches_tracked. returns: a digest of the values. throws: error(model), error(numbers).
template <class T>
std::uint64_t check_weights(const plan& p, const stored_names& names, const io::tensor_file& file) {
    const io::refusal refuse(fault::model, file.source());
    const io::refusal bad_number(fault::numbers, file.source());
    const auto tensors = file.tensors();
    std::vector<bool> taken(tensors.size());
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < p.parameters.size(); ++i) {
        const auto* tensor = names[i];
        const auto& q = p.parameters[i];
        const std::vector<std::int64_t> wanted(q.extents.begin(), q.extents.begin() + q.rank);
        const std::string subject = "tensor '" + io::printable(names.name(i), 96) + "' is ";
        if (!tensor) refuse(subject + "missing" + names.nearest(i, wanted));
        taken[std::size_t(tensor - tensors.data())] = true;
        if (tensor->shape != wanted) {
            refuse(subject + io::spelled(tensor->shape) + ", the network takes " +
                   io::spelled(wanted));
        }
        if (tensor->type != dtype::f32 && tensor->type != dtype::f64 &&
            tensor->type != dtype::f16 && tensor->type != dtype::bf16) {
            refuse(subject + std::string(name_of(tensor->type)) +
                   ", the network takes F32, F64, F16 or BF16");
        }
        require_finite<T>(*tensor, bad_number);
        sum = io::checksum(tensor->bytes, sum + std::uint64_t(tensor->type));
        file.forget(*tensor);
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::string& name = tensors[i].name;
        if (!taken[i] && !is_counter(name)) {
            refuse("tensor '" + io::printable(name) + "' belongs to no layer of the network");
        }
    }
    return sum;
}

/// Opens the entries of all ranks; `all`: those that share one. collective. returns: whether every
/// rank has its own, made from the same values.
[[gnu::cold]] inline bool open_cached(communicator& comm, const team& all, cache_entry& entry) {
    long mine = 0;
    agree(comm, [&] {
        entry.open({all.member(), all.members()});
        if (entry.file()) mine = long(std::max(entry.file()->content(), std::uint64_t(1)));
    });
    const long least = all_reduce(comm, mine, MPI_MIN);
    const long most = all_reduce(comm, mine, MPI_MAX);
    return least == most && mine != 0;
}

/// One of each that share weights writes their entry. collective. returns: why one could not, on
/// every rank.
[[gnu::cold]] inline std::string keep(communicator& comm, const team& all, const cache_entry& entry,
                                      std::uint64_t content,
                                      function_ref<packed_weights()> packed) {
    std::string trouble;
    try {
        if (all.leads()) entry.keep(content, packed().bytes);
    } catch (const std::exception& e) {
        trouble = e.what();
    }
    const int first = int(all_reduce(comm, trouble.empty() ? comm.size() : comm.rank(), MPI_MIN));
    if (first == comm.size()) return {};
    char sentence[512] = {};
    trouble.copy(sentence, sizeof sentence - 1);
    broadcast(comm, sentence, sizeof sentence, first);
    return sentence;
}

/// A weight file that all ranks have read and found good: a parameter_reader.
template <class T>
class checked_file {
public:
    /// collective. throws: as load().
    [[gnu::cold]] checked_file(communicator& comm, const plan& p, const io::weight_source& from,
                               const std::vector<std::vector<std::string>>& spellings) {
        agree(comm, [&] {
            file_.emplace(io::read_weights(from));
            names_.emplace(spellings, *file_);
            content_ = check_weights<T>(p, *names_, *file_);
        });
        agree_on(
            comm, content_, fault::model,
            "mpar: " + io::printable_path(from.path) + ": the ranks have read different weights");
    }

    void operator()(int index, range rows, T* out) const {
        const auto& tensor = *(*names_)[std::size_t(index)];
        io::read_rows(tensor, rows.lo, rows.hi, out);
        file_->forget(tensor);
    }

    /// A digest of the values.
    std::uint64_t content() const { return content_; }

private:
    std::optional<io::tensor_file> file_;
    std::optional<stored_names> names_;
    std::uint64_t content_ = 0;
};

template <class Network>
struct packed_of {
    Network& net;
    packed_weights operator()() const { return net.packed(); }
};

}  // namespace detail

/// load() of layers whose names the file may have in one of several spellings: the one in which most
/// are found.
template <class Network>
loading load_spelled(Network& net, const io::weight_source& from,
                     const std::vector<std::vector<std::string>>& layers, const cache_in& cache) {
    using T = typename Network::element;
    net.unload();
    std::vector<std::vector<std::string>> spellings;
    for (const auto& spelled : layers) spellings.push_back(parameter_names(net.steps(), spelled));
    auto cached = spellings.front();
    if (!from.key.empty()) cached.push_back("of " + from.key);
    detail::cache_entry entry(cache, from.path, cached,
                              cache.folder.empty() ? recipe{} : net.made_by());
    if (detail::open_cached(net.comm(), net.sharers(), entry)) {
        net.load(packed_weights{entry.file()->bytes(), entry.file()});
        return {true, {}};
    }
    std::optional<detail::checked_file<T>> file;
    file.emplace(net.comm(), net.steps(), from, spellings);
    net.load(*file);
    const std::uint64_t content = file->content();
    file.reset();  // its pages are not needed while the cache is written
    const detail::packed_of<Network> packed{net};
    return {false, detail::keep(net.comm(), net.sharers(), entry, content, packed)};
}

/// Loads a safetensors or .pth file into a network whose layers are called `layers` there (none: by
/// their positions, "0.weight"). `from`: its path, or its path and the key of one of its state dicts,
/// {"train.pth", "model_ema"}. A prefix that all names of the file have ("module.") is no part of
/// them. Each rank reads the file and keeps its share. With a cache the packed weights are written
/// there, and the next load of the same file takes them from there as they are, one copy for all
/// ranks of a node. collective; each rank may have another cache.
/// throws, the same on every rank: error(usage) when `layers` are not one for each layer with
/// parameters, or one is there twice; error(model) when the file is missing or bad on one, a tensor is
/// missing, extra, of another shape or type, or the ranks read different values; error(numbers)
/// when one is NaN or infinite. The network is then as if never loaded. What is wrong with a cache
/// is no error: a bad entry is made anew, and why none could be written is in the result.
template <class Network>
loading load(Network& net, const io::weight_source& from, const std::vector<std::string>& layers,
             const cache_in& cache = {}) {
    return load_spelled(net, from, {layers}, cache);
}

/// The same with the names that the net itself knows: its layer_names(), or those lists of its
/// other_layer_names() by which more of the file's tensors are found.
template <class Net, class Mesh, class Backend, class T,
          template <class, class, class, class> class Network>
loading load(Network<Net, Mesh, Backend, T>& net, const io::weight_source& from,
             const cache_in& cache = {}) {
    return load_spelled(net, from, spellings_of<Net>(), cache);
}

}  // namespace mpar
