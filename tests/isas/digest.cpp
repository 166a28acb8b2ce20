// SPDX-License-Identifier: MIT
// Prints a line for each outcome of a kernel: its checksum and what it was. Compiled with many flags, for one ISA, which
// must all print the same.
#include "isas/digest.hpp"

#include <mpar/io/preprocess.hpp>

#include <cinttypes>
#include <cstdio>

int main() {
    auto d = mpar_test::digests::all();
    mpar::io::rgb_image picture{301, 211, std::vector<std::uint8_t>(3 * 301 * 211)};
    for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
        picture.pixels[i] = std::uint8_t(128 + 127 * mpar_test::value<float>(9, int(i), 0, 0, 0));
    }
    std::vector<float> values(3 * 64 * 64);
    mpar::io::preprocess(picture, {80, 64, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
                         values.data());
    mpar_test::digests::line l{"preprocess"};
    for (const float v : values) l.add(v);
    d.push_back(l);
    for (const auto& each : d) std::printf("%016" PRIx64 " %s\n", each.sum, each.what.c_str());
}
