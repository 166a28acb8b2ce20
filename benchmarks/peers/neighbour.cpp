// SPDX-License-Identifier: MIT
// neighbour stream|multiply: keeps one hardware thread busy until it is ended, as another guest of the
// same core would: reads and writes through a buffer of half an L2, or multiplies and adds in registers.
#include "measure/fma.hpp"

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t buffer_bytes = 512 * 1024;  // more than any L1, half of a Zen's or Xeon's L2

void stream() {
    std::vector<float> values(buffer_bytes / sizeof(float), 1.0f);
    for (float term = 0.5f;; term = 1.0f - term) {
        for (float& v : values) v += term;
        asm volatile("" : : "r"(values.data()) : "memory");
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "stream") == 0) stream();
    while (argc == 2 && std::strcmp(argv[1], "multiply") == 0) bench::fma_loop::run(1'000'000);
    std::fputs("usage: neighbour stream|multiply\n", stderr);
    return 2;
}
