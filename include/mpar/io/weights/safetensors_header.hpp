// SPDX-License-Identifier: MIT
// The JSON header of a safetensors file, event by event. Knows its rules; opens no file.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/core/order.hpp>
#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/weights/stored_tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mpar::io::detail {

/// The events of the JSON parser, checked against the only form that a header may have (so that
/// nothing nests deeper than three levels):
///   {"__metadata__": {"...": "..."}, "NAME": {"dtype": "F32", "shape": [..], "data_offsets": [b,
///   e]}}
/// Throws through the parser at the first thing that is wrong.
class safetensors_header {
public:
    safetensors_header(std::span<const std::byte> data, const refusal& refuse)
        : data_(data), refuse_(refuse) {}

    /// The tensors in the order of the header; bytes inside the data, of the size that shape and
    /// type ask for. Neither order nor gaps nor duplicate names have been looked at.
    growing<stored_tensor> take() { return std::move(tensors_); }

    void null() { wrong("null"); }
    void boolean() { wrong("a boolean"); }
    void negative() { wrong("a negative number"); }
    void real() { wrong("a number that is not a 64-bit integer"); }

    void natural(std::uint64_t number) {
        if (at_ == place::shape) {
            auto& shape = tensors_.back().shape;
            if (shape.size() == max_rank) {
                refuse(" has more than " + std::to_string(max_rank) + " dimensions");
            }
            if (number > std::uint64_t(std::numeric_limits<std::int64_t>::max())) {
                refuse(" has an extent of " + std::to_string(number));
            }
            shape.push_back(static_cast<std::int64_t>(number));
        } else if (at_ == place::offsets) {
            if (offsets_seen_ == 2) refuse(" has more than two data_offsets");
            offsets_[offsets_seen_++] = number;
        } else {
            wrong("a number");
        }
    }

    void string(std::string& text) {
        if (at_ == place::metadata_value) {
            at_ = place::metadata;
        } else if (at_ == place::dtype_value) {
            const auto type = dtype_named(text);
            if (!type) refuse(" has the unknown dtype '" + printable(text) + "'");
            tensors_.back().type = *type;
            at_ = place::entry;
        } else {
            wrong("a string");
        }
    }

    void start_object() {
        if (at_ == place::outside) {
            at_ = place::top;
        } else if (at_ == place::metadata_start) {
            at_ = place::metadata;
        } else if (at_ == place::entry_start) {
            at_ = place::entry;
        } else {
            wrong("an object");
        }
    }

    void key(std::string& name) {
        if (at_ == place::top) {
            if (name == "__metadata__") {
                if (metadata_seen_) refuse_("'__metadata__' occurs twice");
                metadata_seen_ = true;
                at_ = place::metadata_start;
            } else {
                begin_tensor(name);
            }
        } else if (at_ == place::metadata) {
            metadata_keys_.push_back(name);
            at_ = place::metadata_value;
        } else {
            begin_field(name);
        }
    }

    [[gnu::cold]] void end_object() {
        if (at_ == place::metadata) {
            const auto& keys = metadata_keys_;
            const auto order = order_of(
                keys.size(), [&](std::uint32_t a, std::uint32_t b) { return keys[a] < keys[b]; });
            for (std::size_t i = 1; i < order.size(); ++i) {
                const auto& key = keys[order[i]];
                if (keys[order[i - 1]] != key) continue;
                refuse_("'__metadata__' has the key '" + printable(key) + "' twice");
            }
            at_ = place::top;
        } else if (at_ == place::entry) {
            end_tensor();
            at_ = place::top;
        } else {
            at_ = place::outside;
        }
    }

    void start_array() {
        if (at_ == place::shape_start) {
            at_ = place::shape;
        } else if (at_ == place::offsets_start) {
            at_ = place::offsets;
        } else {
            wrong("an array");
        }
    }

    void end_array() { at_ = place::entry; }

    [[noreturn]] void parse_error(std::size_t position) {
        refuse_("the header is not valid JSON in UTF-8 at byte " + std::to_string(7 + position));
    }

private:
    enum class place {
        outside,
        top,
        metadata_start,
        metadata,
        metadata_value,
        entry_start,
        entry,
        dtype_value,
        shape_start,
        shape,
        offsets_start,
        offsets,
    };
    enum : unsigned { dtype_field = 1, shape_field = 2, offsets_field = 4 };

    [[noreturn]] void refuse(const std::string& what) const {
        refuse_("tensor '" + printable(tensors_.back().name) + "'" + what);
    }

    [[noreturn]] void wrong(const std::string& what) const {
        switch (at_) {
            case place::outside:
            case place::top: refuse_("the header is " + what + ", expected an object");
            case place::metadata_start:
            case place::metadata:
            case place::metadata_value:
                refuse_("'__metadata__' holds " + what + ", expected strings only");
            case place::entry_start: refuse(" is " + what + ", expected an object");
            case place::entry:
            case place::dtype_value: refuse(" has " + what + " as its dtype, expected a string");
            case place::shape_start:
            case place::shape: refuse(" has " + what + " in its shape, expected [extent, ...]");
            case place::offsets_start:
            case place::offsets: break;
        }
        refuse(" has " + what + " in its data_offsets, expected [begin, end]");
    }

    [[gnu::cold]] void begin_tensor(std::string& name) {
        if (tensors_.size() == max_tensors) {
            refuse_("holds more than " + std::to_string(max_tensors) + " tensors");
        }
        if (const auto bad = fault_of_name(name)) {
            refuse_("tensor '" + printable(name) + "' " + *bad);
        }
        tensors_.emplace_back().name = std::move(name);
        fields_seen_ = 0;
        offsets_seen_ = 0;
        at_ = place::entry_start;
    }

    [[gnu::cold]] void begin_field(const std::string& name) {
        unsigned field = 0;
        if (name == "dtype") {
            field = dtype_field;
            at_ = place::dtype_value;
        } else if (name == "shape") {
            field = shape_field;
            at_ = place::shape_start;
        } else if (name == "data_offsets") {
            field = offsets_field;
            at_ = place::offsets_start;
        } else {
            refuse(" has the unknown key '" + printable(name) + "'");
        }
        if (fields_seen_ & field) refuse(" has the key '" + name + "' twice");
        fields_seen_ |= field;
    }

    [[gnu::cold]] void end_tensor() {
        auto& tensor = tensors_.back();
        if (!(fields_seen_ & dtype_field)) refuse(" has no dtype");
        if (!(fields_seen_ & shape_field)) refuse(" has no shape");
        if (!(fields_seen_ & offsets_field)) refuse(" has no data_offsets");
        if (offsets_seen_ != 2) refuse(" has data_offsets that are not two numbers");
        const auto [begin, end] = offsets_;
        if (begin > end) {
            refuse(" begins at byte " + std::to_string(begin) + " and ends at " +
                   std::to_string(end));
        }
        if (end > data_.size()) {
            refuse(" ends at byte " + std::to_string(end) + " but the data ends at " +
                   std::to_string(data_.size()));
        }
        const auto needed = bytes_of(tensor.type, tensor.shape);
        if (!needed) refuse(" has a shape whose size does not fit in 64 bits");
        if (*needed != end - begin) {
            refuse(" of " + std::string(name_of(tensor.type)) + " takes " +
                   std::to_string(*needed) + " bytes but its data_offsets span " +
                   std::to_string(end - begin));
        }
        tensor.bytes = data_.subspan(begin, end - begin);
    }

    std::span<const std::byte> data_;
    const refusal& refuse_;
    growing<stored_tensor> tensors_;
    std::vector<std::string> metadata_keys_;
    bool metadata_seen_ = false;
    place at_ = place::outside;
    unsigned fields_seen_ = 0, offsets_seen_ = 0;
    std::uint64_t offsets_[2] = {};
};

}  // namespace mpar::io::detail
