// SPDX-License-Identifier: MIT
// A layer of your own: a struct that says what it reads, and computes its part.
//
//     mpirun -n 4 build/release/bin/03_your_layer
//
// The library asks a layer two things. describe() is a value: which rows and columns an output
// reads, whether it mixes channels, which parameters it has. From that the plan derives shapes,
// cuts, halos and bytes. forward() computes this rank's part from views that hold all it needs:
// halos have arrived, padding is zero.
// ranks: 1 2 3 4
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <iostream>

using namespace mpar::nets;

/// y = g[c] * (x - mean of the 3 x 3 pixels around x): local contrast with a gain for each channel.
template <int Channels>
struct local_contrast {
    static constexpr mpar::operation describe() {
        auto o = mpar::windowed<local_contrast, window<3>>();  // cut rows need a halo of one
        o.in = o.out = Channels;
        o.parameters_of[0] = {"gain", {Channels}, 1};  // in weight files: "<layer's name>.gain"
        o.parameter_count = 1;
        o.flops_per_output = 11;
        return o;
    }

    /// a.x holds one row and column more on each side than a.y; a.where says where a.y lies in the
    /// whole output; a.weights holds the parameters, whole. Host memory, as the backends here have
    /// it.
    template <class Backend, class T>
    static void forward(const mpar::arguments<Backend, T>& a) {
        const mpar::shape s = a.y.extents;
        for (int n = 0; n < s.n; ++n)
            for (int c = 0; c < s.c; ++c)
                for (int h = 0; h < s.h; ++h)
                    for (int w = 0; w < s.w; ++w) {
                        T sum = 0;
                        for (int i = 0; i < 3; ++i)
                            for (int j = 0; j < 3; ++j) sum += a.x(n, c, h + i, w + j);
                        a.y(n, c, h, w) =
                            a.weights[a.where.c.lo + c] * (a.x(n, c, h + 1, w + 1) - sum / 9);
                    }
    }
};

// clang-format off
struct net {
    using input  = image<3, 30, 30>;
    using layers = chain<
        local_contrast<3>,                                      // whole: the input is
        conv2d<3, 16, window<3, 2>, shard::rows>, relu,         // cut in rows
        local_contrast<16>,                                     // stays so: a halo before it
        conv2d<16, 8, window<1>, shard::output>,                // cut in channels
        local_contrast<8>,                                      // stays so: nothing moves
        global_avg_pool>;
};
// clang-format on

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int code = 0;
    try {
        network<net> together(MPI_COMM_WORLD), alone(MPI_COMM_SELF);
        load_seeded(together);
        load_seeded(alone);
        const std::int64_t extents[] = {1, 3, 30, 30};
        const auto x = mpar::io::seeded_values<float>("input", extents);
        const bool same = together.forward(x) == alone.forward(x);
        if (together.rank() == 0) {
            std::cout << describe(together)
                      << "equal to one rank, bit for bit: " << (same ? "yes" : "no") << "\n";
        }
        code = same && together.measured() == together.predicted() ? 0 : 1;
    } catch (const mpar::error& e) {
        std::cerr << e.what() << "\n";
        code = int(e.kind());
    }
    MPI_Finalize();
    return code;
}
