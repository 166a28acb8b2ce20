// SPDX-License-Identifier: MIT
// What torchvision computed, from tests/data/expected: see the data's README. Knows no network.
#pragma once

#include <mpar/io/preprocess.hpp>
#include <mpar/io/safetensors.hpp>
#include <mpar/io/seeded.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace mpar_test {

/// A stored tensor's values.
inline std::vector<float> expected(const std::string& file, const std::string& tensor) {
    const auto stored = mpar::io::read_safetensors(std::string(MPAR_TEST_DATA) + "/expected/" +
                                                   file + ".safetensors");
    return mpar::io::values_of<float>(*stored.find(tensor));
}

/// The seeded tensor "input" of (n, 3, 224, 224).
inline std::vector<float> seeded_images(int n) {
    const std::int64_t extents[] = {n, 3, 224, 224};
    return mpar::io::seeded_values<float>("input", extents);
}

/// A photograph as PIL resized and cropped it, normalised.
inline std::vector<float> photograph(const std::string& name, const mpar::io::preprocessing& how) {
    const auto stored = mpar::io::read_safetensors(std::string(MPAR_TEST_DATA) +
                                                   "/expected/preprocessed.safetensors");
    const auto* tensor = stored.find(name);
    mpar::io::rgb_image image{224, 224, std::vector<std::uint8_t>(tensor->bytes.size())};
    std::memcpy(image.pixels.data(), tensor->bytes.data(), tensor->bytes.size());
    std::vector<float> values(image.pixels.size());
    mpar::io::normalise(image, how, values.data());
    return values;
}

/// max |a - b| / max |b|; infinity when the sizes differ or a value is NaN.
inline double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size()) return INFINITY;
    double most = 0, scale = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = std::abs(double(a[i]) - double(b[i]));
        if (!(d <= most)) most = d;
        scale = std::max(scale, std::abs(double(b[i])));
    }
    return std::isnan(most) ? INFINITY : most / scale;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace mpar_test
