// SPDX-License-Identifier: MIT
// Named tensors as a file holds them, and their values as float or double. Knows no format, no net.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/io/parse/refusal.hpp>
#include <mpar/tensor/dtype.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpar::io {

static_assert(std::endian::native == std::endian::little, "weight files are little-endian");

/// What no weight file may exceed.
inline constexpr std::size_t max_tensors = 1'000'000;
inline constexpr std::size_t max_rank = 8;
inline constexpr std::size_t max_name_bytes = 512;

/// A tensor in a file: dense, row-major, little-endian, at any alignment. Does not own its bytes.
struct stored_tensor {
    std::string name;
    dtype type = dtype::f32;
    std::vector<std::int64_t> shape;  ///< empty for a scalar
    std::span<const std::byte> bytes;

    /// Number of elements.
    std::uint64_t count() const { return bytes.size() / static_cast<std::size_t>(size_of(type)); }

    /// The first extent; 1 for a scalar.
    std::int64_t rows() const { return shape.empty() ? 1 : shape.front(); }
};

/// Bytes of a dense tensor, or nothing when the product does not fit or an extent is negative.
inline std::optional<std::uint64_t> bytes_of(dtype type, std::span<const std::int64_t> shape) {
    std::optional<std::uint64_t> bytes = static_cast<std::uint64_t>(size_of(type));
    for (const auto extent : shape) {
        if (extent < 0) return std::nullopt;
        bytes = checked_multiply(*bytes, static_cast<std::uint64_t>(extent));
        if (!bytes) return std::nullopt;
    }
    return bytes;
}

/// Whether the text is UTF-8: no stray or missing continuation, no overlong form, no surrogate.
constexpr bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i++]);
        if (lead < 0x80) continue;
        const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        if (lead < 0xc2 || lead > 0xf4 || text.size() - i < std::size_t(more)) return false;
        std::uint32_t point = lead & (0x3fu >> more);
        for (int k = 0; k < more; ++k) {
            const auto byte = static_cast<unsigned char>(text[i++]);
            if ((byte & 0xc0) != 0x80) return false;
            point = point << 6 | (byte & 0x3fu);
        }
        const bool overlong = point < (more == 1 ? 0x80u : more == 2 ? 0x800u : 0x10000u);
        if (overlong || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
    }
    return true;
}

/// What is wrong with a tensor's name, or nothing. A name is UTF-8 of at most 512 bytes, with no
/// control character (C0, DEL, C1) and no step to a parent folder.
[[gnu::cold]] inline std::optional<std::string> fault_of_name(std::string_view name) {
    if (name.size() > max_name_bytes) {
        return "has a name of " + std::to_string(name.size()) + " bytes, more than " +
               std::to_string(max_name_bytes);
    }
    if (!is_utf8(name)) return "has a name that is not UTF-8";
    if (name.starts_with("../") || name.find("/..") != std::string_view::npos) {
        return "has a name that steps to a parent folder";
    }
    unsigned char before = 0;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        const bool c1 = before == 0xc2 && byte < 0xa0;
        if (byte < 0x20 || byte == 0x7f || c1) return "has a control character in its name";
        before = byte;
    }
    return std::nullopt;
}

/// "[64, 3, 7, 7]"
[[gnu::cold]] inline std::string spelled(std::span<const std::int64_t> shape) {
    std::string text = "[";
    for (const auto extent : shape) {
        text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
    }
    return text + "]";
}

/// The value of an IEEE 754 half; exact.
constexpr float float_of_f16(std::uint16_t bits) {
    const std::uint32_t sign = static_cast<std::uint32_t>(bits >> 15) << 31;
    const std::uint32_t exponent = bits >> 10 & 31u, fraction = bits & 1023u;
    if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
        const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 31 ? 255u : exponent + (127 - 15);
    return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

/// The value of a bfloat16; exact.
constexpr float float_of_bf16(std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

namespace detail {

template <class Stored, class T, class Convert>
void convert(const std::byte* from, std::size_t count, T* to, Convert value) {
    for (std::size_t i = 0; i < count; ++i) {
        Stored stored;
        std::memcpy(&stored, from + i * sizeof(Stored), sizeof(Stored));
        to[i] = static_cast<T>(value(stored));
    }
}

}  // namespace detail

/// Writes the values of rows [begin, end) of the first dimension to `out`, rounded to T, so that a
/// rank reads just its part of the file.
/// requires: 0 <= begin <= end <= tensor.rows(), room for (end - begin) * count / rows values.
/// throws: error(fault::model) when the elements are not f32, f64, f16 or bf16;
/// error(fault::internal) when the rows are not there.
template <std::floating_point T>
void read_rows(const stored_tensor& tensor, std::int64_t begin, std::int64_t end, T* out) {
    if (begin < 0 || end < begin || end > tensor.rows()) {
        throw error(fault::internal, "mpar: rows " + std::to_string(begin) + " to " +
                                         std::to_string(end) + " of tensor '" +
                                         printable(tensor.name) + "', which has " +
                                         std::to_string(tensor.rows()));
    }
    if (begin == end || tensor.count() == 0) return;
    const std::size_t row = tensor.count() / static_cast<std::size_t>(tensor.rows());
    const std::size_t count = row * static_cast<std::size_t>(end - begin);
    const auto first =
        row * static_cast<std::size_t>(begin) * static_cast<std::size_t>(size_of(tensor.type));
    const std::byte* from = tensor.bytes.data() + first;
    const auto same = [](auto value) { return value; };
    if (tensor.type == dtype_of<T>) {
        std::memcpy(out, from, count * sizeof(T));
        return;
    }
    switch (tensor.type) {
        case dtype::f32: return detail::convert<float>(from, count, out, same);
        case dtype::f64: return detail::convert<double>(from, count, out, same);
        case dtype::f16: return detail::convert<std::uint16_t>(from, count, out, float_of_f16);
        case dtype::bf16: return detail::convert<std::uint16_t>(from, count, out, float_of_bf16);
        default: break;
    }
    throw error(fault::model, "mpar: tensor '" + printable(tensor.name) + "' is " +
                                  std::string(name_of(tensor.type)) +
                                  ", expected F32, F64, F16 or BF16");
}

/// All values. throws: as read_rows.
template <std::floating_point T>
std::vector<T> values_of(const stored_tensor& tensor) {
    std::vector<T> values(tensor.count());
    read_rows(tensor, 0, tensor.rows(), values.data());
    return values;
}

}  // namespace mpar::io
