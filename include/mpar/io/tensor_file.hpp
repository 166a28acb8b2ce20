// SPDX-License-Identifier: MIT
// The named tensors of one weight file and the memory they lie in. Knows no format and no net.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/io/stored_tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpar::io {

/// What a reader returns, whatever the format. Movable; the tensors' bytes live as long as it does.
class tensor_file {
public:
    /// Tensors whose bytes lie in `file` or in `copies` (of what the file holds in another order).
    /// throws: error of the file's kind when a name occurs twice, or is not allowed, or the tensors
    /// are too many.
    tensor_file(mapped_file file, std::vector<stored_tensor> tensors,
                std::vector<std::vector<std::byte>> copies = {})
        : file_(std::move(file)), copies_(std::move(copies)), tensors_(std::move(tensors)) {
        const refusal refuse = file_.refuse();
        if (tensors_.size() > max_tensors) {
            refuse("holds more than " + std::to_string(max_tensors) + " tensors");
        }
        for (const auto& tensor : tensors_) {
            if (const auto wrong = fault_of_name(tensor.name)) {
                refuse("tensor '" + printable(tensor.name) + "' " + *wrong);
            }
        }
        by_name_.resize(tensors_.size());
        std::iota(by_name_.begin(), by_name_.end(), 0u);
        std::ranges::sort(by_name_, {}, [this](auto i) { return name(i); });
        const auto twice =
            std::ranges::adjacent_find(by_name_, {}, [this](auto i) { return name(i); });
        if (twice != by_name_.end()) {
            refuse("tensor '" + printable(name(*twice)) + "' occurs twice");
        }
    }

    /// The tensor of that name, or nullptr.
    const stored_tensor* find(std::string_view wanted) const& {
        const auto found =
            std::ranges::lower_bound(by_name_, wanted, {}, [this](auto i) { return name(i); });
        return found == by_name_.end() || name(*found) != wanted ? nullptr : &tensors_[*found];
    }

    /// The tensors in the order of the file.
    std::span<const stored_tensor> tensors() const& { return tensors_; }

    // Of a tensor_file that is about to end nothing can be had.
    const stored_tensor* find(std::string_view) const&& = delete;
    std::span<const stored_tensor> tensors() const&& = delete;

    /// Takes a tensor's pages out of this process's memory; its bytes can still be read.
    void forget(const stored_tensor& tensor) const { file_.forget(tensor.bytes); }

    /// The path that it was read from, for messages (through printable_path).
    const std::string& source() const { return file_.path(); }

private:
    std::string_view name(std::uint32_t i) const { return tensors_[i].name; }

    mapped_file file_;
    std::vector<std::vector<std::byte>> copies_;
    std::vector<stored_tensor> tensors_;
    std::vector<std::uint32_t> by_name_;
};

}  // namespace mpar::io
