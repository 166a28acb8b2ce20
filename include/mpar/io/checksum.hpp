// SPDX-License-Identifier: MIT
// A 64-bit sum of bytes at the speed of memory. Knows no file.
#pragma once

#include <mpar/io/seeded.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace mpar::io {

/// In each of eight lanes the words' sum and a sum of those sums that turns, which tells places
/// apart; all mixed to one number. A changed byte changes it. Against accidents: it can be forged.
inline std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed = 0) {
    typedef std::uint64_t words __attribute__((vector_size(32)));
    struct lanes {
        words sum{}, turning{};

        void add(const std::byte* from) {
            words w;
            std::memcpy(&w, from, sizeof w);
            sum += w;
            turning += sum;
            turning = turning << 29 | turning >> 35;
        }
    } even, odd;
    constexpr std::size_t step = 2 * sizeof(words);
    const std::byte* from = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= step; left -= step, from += step) {
        even.add(from);
        odd.add(from + sizeof(words));
    }
    if (left > 0) {
        std::byte last[step] = {};
        std::memcpy(last, from, left);
        even.add(last);
        odd.add(last + sizeof(words));
    }
    std::uint64_t result = splitmix64(splitmix64(seed) ^ bytes.size());
    const lanes both[] = {even, odd};  // no initializer_list, which nvcc has not of vectors
    for (const lanes& l : both) {
        for (int i = 0; i < 4; ++i) {
            result = splitmix64(result ^ l.sum[i]);
            result = splitmix64(result ^ l.turning[i]);
        }
    }
    return result;
}

}  // namespace mpar::io
