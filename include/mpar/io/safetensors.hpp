// SPDX-License-Identifier: MIT
// Reads and writes safetensors files. Knows the whole format and trusts none of it; knows no net.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/core/order.hpp>
#include <mpar/io/file.hpp>
#include <mpar/io/parse/json_reader.hpp>
#include <mpar/io/tensor_file.hpp>
#include <mpar/io/weights/safetensors_header.hpp>
#include <mpar/io/weights/stored_tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpar::io {

/// The largest header that a safetensors file may have, in bytes; the reference reader's limit.
inline constexpr std::uint64_t max_safetensors_header = 100'000'000;

namespace detail {

/// The tensors in the order of their data, which they cover without hole or overlap.
[[gnu::cold]] inline growing<stored_tensor> parse_safetensors(std::span<const std::byte> file,
                                                              const refusal& refuse) {
    constexpr std::uint64_t prefix = 8;
    if (file.size() < prefix) {
        refuse("is no safetensors file: it has " + std::to_string(file.size()) +
               " bytes, fewer than the 8 of the header's length");
    }
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), prefix);
    if (length > max_safetensors_header) {
        refuse("the header's length is " + std::to_string(length) + ", more than " +
               std::to_string(max_safetensors_header));
    }
    if (length > file.size() - prefix) {
        refuse("the header ends at byte " + std::to_string(prefix + length) +
               " but the file ends at " + std::to_string(file.size()));
    }
    const auto header = file.subspan(prefix, length);
    const auto data = file.subspan(prefix + length);
    if (header.empty() || header.front() != std::byte{'{'}) {
        refuse("the header does not begin with '{' at byte 8");
    }
    // C's text functions, of which other readers are made, take a zero byte for the end.
    const auto zero = std::ranges::find(header, std::byte{0});
    if (zero != header.end()) {
        refuse("the header holds a zero byte at byte " +
               std::to_string(prefix + static_cast<std::uint64_t>(zero - header.begin())));
    }

    safetensors_header events(data, refuse);
    const auto* text = reinterpret_cast<const char*>(header.data());
    json_reader({text, header.size()}, events).read();
    growing<stored_tensor> listed = events.take();

    const auto begin = [&](const stored_tensor& tensor) {
        return static_cast<std::uint64_t>(tensor.bytes.data() - data.data());
    };
    const auto order = order_of(listed.size(), [&](std::uint32_t i, std::uint32_t k) {
        const auto &a = listed[i], &b = listed[k];
        return begin(a) != begin(b) ? begin(a) < begin(b) : a.bytes.size() < b.bytes.size();
    });
    growing<stored_tensor> tensors;
    tensors.reserve(listed.size());
    for (const auto i : order) tensors.push_back(std::move(listed[i]));
    std::uint64_t covered = 0;
    for (const auto& tensor : tensors) {
        if (begin(tensor) != covered) {
            refuse("tensor '" + printable(tensor.name) + "' begins at byte " +
                   std::to_string(begin(tensor)) + " of the data, expected " +
                   std::to_string(covered) + ": " +
                   (begin(tensor) > covered ? "a hole" : "an overlap"));
        }
        covered += tensor.bytes.size();
    }
    if (covered != data.size()) {
        refuse("the tensors end at byte " + std::to_string(covered) + " of the data, which has " +
               std::to_string(data.size()));
    }
    return tensors;
}

/// The header of those tensors, padded so that the data begins at a multiple of 8 bytes.
/// requires: sizes that follow from types and shapes; their bytes are not looked at.
[[gnu::cold]] inline std::string safetensors_text(std::span<const stored_tensor* const> tensors) {
    std::string text = "{";
    std::uint64_t offset = 0;
    for (const stored_tensor* tensor : tensors) {
        const std::uint64_t end = offset + *bytes_of(tensor->type, tensor->shape);
        text += text.size() > 1 ? "," : "";
        text += json_spelled(tensor->name) + ":{\"dtype\":\"";
        text += name_of(tensor->type);
        text += "\",\"shape\":[";
        for (std::size_t d = 0; d < tensor->shape.size(); ++d) {
            text += (d > 0 ? "," : "") + std::to_string(tensor->shape[d]);
        }
        text += "],\"data_offsets\":[" + std::to_string(offset) + "," + std::to_string(end) + "]}";
        offset = end;
    }
    text += "}";
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
}

inline void write_header(atomic_file& file, const std::string& text) {
    const std::uint64_t length = text.size();
    file.write(std::as_bytes(std::span(&length, 1)));
    file.write(std::as_bytes(std::span(text)));
}

}  // namespace detail

/// The tensors of a file that has been opened.
/// throws: error of the file's kind, with the byte or the tensor that breaks the format's rules:
/// N, the header's length, <= 100,000,000 and within the file; JSON in UTF-8 that begins with '{';
/// no key twice, none unknown; known dtypes; sizes that follow from shapes without overflow; data
/// covered from its first to its last byte, in order, once. Values (NaN, infinity) are not looked
/// at.
inline tensor_file read_safetensors(mapped_file file) {
    auto tensors = detail::parse_safetensors(file.bytes(), file.refuse());
    return tensor_file(std::move(file), std::move(tensors));
}

/// The tensors of the file `path`. throws: error(fault::model), as above or when it cannot be
/// opened.
inline tensor_file read_safetensors(const std::string& path) {
    return read_safetensors(mapped_file(path, fault::model));
}

/// Writes the tensors as a new file `path`, complete or not at all (see atomic_file). Tensors of
/// larger elements come first, so that all are aligned; else the order is kept.
/// throws: error(kind) when the file cannot be written; error(fault::internal) when a tensor is not
/// what read_safetensors would take.
[[gnu::cold]] inline void write_safetensors(const std::string& path,
                                            std::span<const stored_tensor> tensors,
                                            fault kind = fault::model) {
    const refusal misuse(fault::internal, path);
    for (const auto& tensor : tensors) {
        const std::string subject = "tensor '" + printable(tensor.name) + "' ";
        if (const auto wrong = fault_of_name(tensor.name)) misuse(subject + *wrong);
        if (tensor.name == "__metadata__") misuse(subject + "has the metadata's name");
        if (tensor.shape.size() > max_rank) misuse(subject + "has more than 8 dimensions");
        if (bytes_of(tensor.type, tensor.shape) != tensor.bytes.size()) {
            misuse(subject + "has " + std::to_string(tensor.bytes.size()) +
                   " bytes, which is not what its shape takes");
        }
    }
    const auto by_name = order_of(tensors.size(), [&](std::uint32_t a, std::uint32_t b) {
        return tensors[a].name < tensors[b].name;
    });
    for (std::size_t i = 1; i < by_name.size(); ++i) {
        const auto& name = tensors[by_name[i]].name;
        if (tensors[by_name[i - 1]].name == name) {
            misuse("tensor '" + printable(name) + "' occurs twice");
        }
    }
    growing<const stored_tensor*> order;
    for (const auto i : order_of(tensors.size(), [&](std::uint32_t a, std::uint32_t b) {
             return size_of(tensors[a].type) > size_of(tensors[b].type);
         })) {
        order.push_back(&tensors[i]);
    }

    const std::string text = detail::safetensors_text(order);
    if (tensors.size() > max_tensors || text.size() > max_safetensors_header) {
        misuse("has too many tensors for a safetensors header");
    }
    atomic_file file(path, kind);
    detail::write_header(file, text);
    for (const stored_tensor* tensor : order) file.write(tensor->bytes);
    file.commit();
}

/// A file of one tensor whose values come in parts, in order, so that they are never all in memory.
/// It appears complete or not at all, as atomic_file's.
class safetensors_in_parts {
public:
    /// throws: error(kind), here and in every member, when the system refuses.
    safetensors_in_parts(const std::string& path, const std::string& name, dtype type,
                         std::vector<std::int64_t> shape, fault kind)
        : misuse_(fault::internal, path), file_(path, kind) {
        const stored_tensor tensor{name, type, std::move(shape), {}};
        const auto bytes = bytes_of(type, tensor.shape);
        if (!bytes) misuse_("has more bytes than can be counted");
        left_ = *bytes;
        const stored_tensor* one = &tensor;
        detail::write_header(file_, detail::safetensors_text(std::span(&one, 1)));
    }

    /// The next values' bytes. throws: error(internal) when they are more than the shape takes.
    void write(std::span<const std::byte> part) {
        if (part.size() > left_) misuse_("gets more values than its shape takes");
        left_ -= part.size();
        file_.write(part);
    }

    /// throws: error(internal) when values are missing.
    void commit() {
        if (left_ > 0) misuse_("lacks " + std::to_string(left_) + " bytes of its tensor");
        file_.commit();
    }

private:
    refusal misuse_;
    atomic_file file_;
    std::uint64_t left_ = 0;
};

}  // namespace mpar::io
