// SPDX-License-Identifier: MIT
// Reads a weight file of any format that io knows, told apart by their first bytes. Knows no net.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/io/pth.hpp>
#include <mpar/io/safetensors.hpp>
#include <mpar/io/tensor_file.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>

namespace mpar::io {

/// A weight file and, where it is a checkpoint of several state dicts, the key of one.
struct weight_source {
    std::string path;
    std::string key = {};  ///< "": the plain one, as read_pth takes it

    template <std::convertible_to<std::string> Path>
    weight_source(Path&& path_now, std::string key_now = {})
        : path(std::forward<Path>(path_now)), key(std::move(key_now)) {}
};

/// The tensors of a safetensors file or of a PyTorch state dict (zip archive or older stream).
/// throws: error(fault::model) when the file cannot be opened, is none of these, or is a bad one,
/// or has no state dict under the key.
[[gnu::cold]] inline tensor_file read_weights(const weight_source& source) {
    const auto& [path, key] = source;
    mapped_file file(path, fault::model);
    const auto bytes = file.bytes();
    if (detail::begins_with(bytes, detail::zip_magic) ||
        detail::torch_magic_size(bytes) > 0) {
        return read_pth(std::move(file), key);
    }
    if (!key.empty() && !bytes.empty()) {
        file.refuse()("has no state dict under the key '" + printable(key, 32) +
                      "': it is no file of torch.save");
    }
    if (bytes.size() > 8 && bytes[8] == std::byte{'{'}) return read_safetensors(std::move(file));
    if (bytes.empty()) file.refuse()("is empty");
    file.refuse()("is neither a safetensors file nor a PyTorch state dict");
}

}  // namespace mpar::io
