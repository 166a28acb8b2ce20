// SPDX-License-Identifier: MIT
// The named tensors of one weight file and the memory they lie in. Knows no format and no net.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/core/order.hpp>
#include <mpar/io/file.hpp>
#include <mpar/io/weights/stored_tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
    [[gnu::cold]] tensor_file(mapped_file file, growing<stored_tensor> tensors,
                              growing<std::vector<std::byte>> copies = {})
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
        by_name_ = order_of(tensors_.size(), [this](std::uint32_t a, std::uint32_t b) {
            return tensors_[a].name < tensors_[b].name;
        });
        for (std::size_t i = 1; i < by_name_.size(); ++i) {
            if (name(by_name_[i - 1]) == name(by_name_[i])) {
                refuse("tensor '" + printable(name(by_name_[i])) + "' occurs twice");
            }
        }
    }

    /// The tensor of that name, or nullptr.
    const stored_tensor* find(std::string_view wanted) const& {
        const auto found =
            std::lower_bound(by_name_.begin(), by_name_.end(), wanted,
                             [this](std::uint32_t i, std::string_view n) { return name(i) < n; });
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
    growing<std::vector<std::byte>> copies_;
    growing<stored_tensor> tensors_;
    std::vector<std::uint32_t> by_name_;
};

}  // namespace mpar::io
