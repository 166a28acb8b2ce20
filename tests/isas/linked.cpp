// SPDX-License-Identifier: MIT
// Runs the network of every unit that was linked, holds it to the reference, and prints a line for each: the kernels'
// namespace, the ISA, the outputs' bits.
#include "isas/unit.hpp"

#include <mpar/kernels/reference/backend.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>

std::vector<mpar_test::isas::unit>& mpar_test::isas::units() {
    static std::vector<unit> all;
    return all;
}

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    const auto expected = mpar_test::isas::outputs<mpar::backend::reference>();
    int bad = mpar_test::isas::units().empty();
    for (const auto& unit : mpar_test::isas::units()) {
        const auto y = unit.run();
        double worst = y.size() == expected.size() ? 0 : INFINITY;
        std::string bits;
        for (std::size_t i = 0; i < y.size(); ++i) {
            const double d = std::abs(double(y[i]) - double(expected[i]));
            if (!(d <= worst)) worst = d;
            char digits[16];
            std::snprintf(digits, sizeof digits, " %08x",
                          unsigned(std::bit_cast<std::uint32_t>(y[i])));
            bits += digits;
        }
        std::printf("%s %s:%s\n", unit.kernels.c_str(), unit.isa.c_str(), bits.c_str());
        if (worst <= 2e-5) continue;
        std::fprintf(stderr, "%s: off the reference by %g\n", unit.kernels.c_str(), worst);
        bad = 1;
    }
    MPI_Finalize();
    return bad;
}
