// SPDX-License-Identifier: MIT
// Reads a weight file of any format that io knows, told apart by their first bytes. Knows no net.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/io/pth.hpp>
#include <mpar/io/safetensors.hpp>
#include <mpar/io/tensor_file.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace mpar::io {

/// The tensors of a safetensors file or of a PyTorch state dict (zip archive or older stream).
/// throws: error(fault::model) when the file cannot be opened, is none of these, or is a bad one.
[[gnu::cold]] inline tensor_file read_weights(const std::string& path) {
    mapped_file file(path, fault::model);
    const auto bytes = file.bytes();
    if (detail::begins_with(bytes, detail::zip_magic) ||
        detail::begins_with(bytes, detail::torch_magic)) {
        return read_pth(std::move(file));
    }
    if (bytes.size() > 8 && bytes[8] == std::byte{'{'}) return read_safetensors(std::move(file));
    if (bytes.empty()) file.refuse()("is empty");
    file.refuse()("is neither a safetensors file nor a PyTorch state dict");
}

}  // namespace mpar::io
