// SPDX-License-Identifier: MIT
// The orientation in a block of EXIF. Knows no picture and no other tag.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mpar::io {

/// The orientation, 1 to 8, in a block of EXIF: a TIFF header of either byte order and its first
/// directory (EXIF 2.3, 4.5). A block that is damaged or that names none says 1, upright.
inline int exif_orientation(std::span<const std::byte> block) {
    if (block.size() < 8) return 1;
    const bool little = block[0] == std::byte('I');
    const auto number = [&](std::size_t at, std::size_t bytes) {  // 0 beyond the end
        std::size_t value = 0;
        if (at > block.size() || bytes > block.size() - at) return value;
        for (std::size_t i = 0; i < bytes; ++i) {
            const auto byte = std::to_integer<std::size_t>(block[at + i]);
            value |= byte << 8 * (little ? i : bytes - 1 - i);
        }
        return value;
    };
    if (block[0] != block[1] || (!little && block[0] != std::byte('M'))) return 1;
    if (number(2, 2) != 42) return 1;
    const std::size_t directory = number(4, 4), entries = number(directory, 2);
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t entry = directory + 2 + 12 * i;
        if (number(entry, 2) != 0x0112) continue;
        const std::size_t type = number(entry + 2, 2);  // 3: a short, 4: a long
        const std::size_t value = number(entry + 8, type == 3 ? 2 : 4);
        const bool one = (type == 3 || type == 4) && number(entry + 4, 4) == 1;
        return one && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
    return 1;
}

}  // namespace mpar::io
