// SPDX-License-Identifier: MIT
// Weights and inputs made from a tensor's name: the same numbers in any language. Knows no file.
#pragma once

#include <mpar/core/math.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mpar::io {

/// FNV-1a, 64 bits, of the name's UTF-8 bytes.
constexpr std::uint64_t fnv1a(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : name) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
    return hash;
}

/// splitmix64's output for the state x (Steele, Lea, Flood 2014).
constexpr std::uint64_t splitmix64(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/// The values of one seeded tensor: offset + scale * v with v uniform in [-1, 1) by name and index.
///
/// The role follows from name and shape: running_var 1 + v/2; running_mean and bias v/10; a vector
/// (a norm's weight) 3/4 + v/4; a matrix v sqrt(3 / fan_in); more dimensions v sqrt(6 / fan_in);
/// num_batches_tracked 0; the tensor called "input" v. fan_in: the product of all extents but the
/// first. Every value is rounded to float, for double as well.
class seeded_tensor {
public:
    seeded_tensor(std::string_view name, std::span<const std::int64_t> shape) : hash_(fnv1a(name)) {
        double fan_in = 1;
        for (std::size_t i = 0; i < shape.size(); ++i) {
            count_ *= static_cast<std::size_t>(shape[i]);
            if (i > 0) fan_in *= static_cast<double>(shape[i]);
        }
        if (name.ends_with("num_batches_tracked")) {
            scale_ = 0;
        } else if (name.ends_with("running_var")) {
            offset_ = 1, scale_ = 0.5;
        } else if (name.ends_with("running_mean") || name.ends_with("bias")) {
            scale_ = 0.1;
        } else if (name != "input" && shape.size() == 1) {
            offset_ = 0.75, scale_ = 0.25;
        } else if (name != "input" && !shape.empty()) {
            scale_ = square_root((shape.size() == 2 ? 3 : 6) / fan_in);
        }
    }

    std::size_t size() const { return count_; }

    /// Value i in row-major order. requires: i < size().
    float operator[](std::size_t i) const {
        const double v = static_cast<double>(splitmix64(hash_ + i) >> 40) * 0x1p-23 - 1;
        return static_cast<float>(offset_ + scale_ * v);
    }

private:
    std::uint64_t hash_;
    std::size_t count_ = 1;
    double offset_ = 0, scale_ = 1;
};

/// All values of the seeded tensor, row-major.
template <std::floating_point T>
std::vector<T> seeded_values(std::string_view name, std::span<const std::int64_t> shape) {
    const seeded_tensor tensor(name, shape);
    std::vector<T> values(tensor.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = tensor[i];
    return values;
}

}  // namespace mpar::io
