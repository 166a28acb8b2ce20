// SPDX-License-Identifier: MIT
// The readable name of a type, for messages and tables. Knows no tensor and no net.
#pragma once

#include <string_view>

namespace mpar {

namespace detail {

template <class T>
constexpr std::string_view spelled() {
    // "... spelled() [with T = NAME; ...]" (gcc), "... spelled() [T = NAME]" (clang)
    std::string_view text = __PRETTY_FUNCTION__;
    const auto begin = text.find("T = ") + 4;
    auto end = text.find("; ", begin);
    if (end == std::string_view::npos) end = text.rfind(']');
    return text.substr(begin, end - begin);
}

}  // namespace detail

/// The type's name without the library's or the caller's namespaces in front: `bottleneck<64, 64,
/// 1>`.
template <class T>
constexpr std::string_view name_of() {
    std::string_view name = detail::spelled<T>();
    const auto arguments = name.find('<');
    const auto colons = name.substr(0, arguments).rfind("::");
    return colons == std::string_view::npos ? name : name.substr(colons + 2);
}

}  // namespace mpar
