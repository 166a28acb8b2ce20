// SPDX-License-Identifier: MIT
// Element types of tensors in files and in memory. Knows no tensor.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace mpar {

/// The element types that a weight file may hold. Networks compute in f32 and f64.
enum class dtype { boolean, u8, i8, i16, u16, i32, u32, i64, u64, f16, bf16, f32, f64 };

/// Bytes of one element.
constexpr int size_of(dtype d) {
    switch (d) {
        case dtype::boolean:
        case dtype::u8:
        case dtype::i8: return 1;
        case dtype::i16:
        case dtype::u16:
        case dtype::f16:
        case dtype::bf16: return 2;
        case dtype::i32:
        case dtype::u32:
        case dtype::f32: return 4;
        case dtype::i64:
        case dtype::u64:
        case dtype::f64: return 8;
    }
    return 0;
}

/// safetensors' name of the type: F32, I64, BOOL ...
constexpr std::string_view name_of(dtype d) {
    switch (d) {
        case dtype::boolean: return "BOOL";
        case dtype::u8: return "U8";
        case dtype::i8: return "I8";
        case dtype::i16: return "I16";
        case dtype::u16: return "U16";
        case dtype::i32: return "I32";
        case dtype::u32: return "U32";
        case dtype::i64: return "I64";
        case dtype::u64: return "U64";
        case dtype::f16: return "F16";
        case dtype::bf16: return "BF16";
        case dtype::f32: return "F32";
        case dtype::f64: return "F64";
    }
    return "?";
}

/// The type of the elements T.
template <std::floating_point T>
inline constexpr dtype dtype_of = sizeof(T) == 4 ? dtype::f32 : dtype::f64;

/// In what sums of such elements are kept: those of 16 bits add up in float.
constexpr dtype accumulator(dtype d) {
    return d == dtype::f16 || d == dtype::bf16 ? dtype::f32 : d;
}
/// The same of elements T.
template <class T>
using accumulator_of = std::conditional_t<(sizeof(T) < sizeof(float)), float, T>;

/// The type of that name, or nothing.
constexpr std::optional<dtype> dtype_named(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(dtype::f64); ++i) {
        if (name_of(static_cast<dtype>(i)) == name) return static_cast<dtype>(i);
    }
    return std::nullopt;
}

}  // namespace mpar
