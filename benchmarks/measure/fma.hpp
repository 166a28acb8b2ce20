// SPDX-License-Identifier: MIT
// The rate at which one core multiplies and adds in registers alone. Knows no kernel and no memory.
#pragma once

#include <mpar/core/config.hpp>

#include <algorithm>
#include <chrono>

namespace bench {

/// Multiply-adds of floats in registers: what no kernel of this ISA can exceed.
class fma_loop {
public:
    static constexpr int chains = 12;  ///< more than latency times units of any core here
    static constexpr long flops_per_turn = 2L * chains * (MPAR_VECTOR_BYTES / 4);

    /// `turns` times one multiply-add in each chain.
    static void run(long turns) {
        vector a[chains];
        vector factor{}, term{};
        factor += 0.999f;
        term += 0.001f;
        hide(factor);
        hide(term);
        for (int i = 0; i < chains; ++i) a[i] = vector{} + float(i);
        for (long t = 0; t < turns; ++t) {
#pragma GCC unroll 12
            for (int i = 0; i < chains; ++i) a[i] = a[i] * factor + term;
        }
        for (auto& sum : a) hide(sum);
    }

    /// GFLOP/s in the best of `slices` slices of a millisecond or less: what the core does when nobody
    /// disturbs it.
    static double gigaflops(int slices = 60) {
        constexpr long turns = 200'000;
        double best = 1e9;
        for (int i = 0; i < slices; ++i) {
            const auto began = std::chrono::steady_clock::now();
            run(turns);
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
            best = std::min(best, took.count());
        }
        return double(turns) * double(flops_per_turn) / best * 1e-9;
    }

private:
    typedef float vector __attribute__((vector_size(MPAR_VECTOR_BYTES)));

    /// What the compiler knows of it is forgotten.
    static void hide(vector& v) {
#if defined(__x86_64__)
        asm volatile("" : "+x"(v));
#elif defined(__aarch64__)
        asm volatile("" : "+w"(v));
#else
        asm volatile("" : "+m"(v));
#endif
    }
};

}  // namespace bench
