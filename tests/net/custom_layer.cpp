// SPDX-License-Identifier: MIT
// A user's own layers: in chains, arms and repeats, with parameters, on static and dynamic meshes.
// ranks: 1 2 3 4
#include "support/catch.hpp"

#include <mpar/kernels/reference/backend.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

using namespace mpar;

namespace {

/// y = s[c] * x + t[c] + number of the channel.
template <int Channels>
struct numbered {
    static constexpr operation describe() {
        auto o = elementwise<numbered>();
        o.in = o.out = Channels;
        o.parameters_of[0] = {"s", {Channels}, 1};
        o.parameters_of[1] = {"t", {Channels}, 1};
        o.parameter_count = 2;
        return o;
    }
    template <class Backend, class T>
    static void forward(const arguments<Backend, T>& a) {
        const shape e = a.y.extents;
        for (int n = 0; n < e.n; ++n)
            for (int c = 0; c < e.c; ++c)
                for (int h = 0; h < e.h; ++h)
                    for (int w = 0; w < e.w; ++w) {
                        const int k = a.where.c.lo + c;
                        a.y(n, c, h, w) =
                            a.weights[k] * a.x(n, c, h, w) + a.weights[Channels + k] + T(k);
                    }
    }
};

/// y[c] = x[c] - mean over channels: reads all of them.
struct centre_channels {
    static constexpr operation describe() { return channel_mixing<centre_channels, 20, 20>(); }
    template <class Backend, class T>
    static void forward(const arguments<Backend, T>& a) {
        const shape e = a.y.extents;
        for (int n = 0; n < e.n; ++n)
            for (int h = 0; h < e.h; ++h)
                for (int w = 0; w < e.w; ++w) {
                    T sum = 0;
                    for (int c = 0; c < 20; ++c) sum += a.x(n, c, h, w);
                    for (int c = 0; c < e.c; ++c)
                        a.y(n, c, h, w) = a.x(n, a.where.c.lo + c, h, w) - sum / 20;
                }
    }
};

struct arm {
    using layers = chain<numbered<20>, conv2d<20, 20, window<3>, shard::rows>>;
};
struct block {
    using layers = chain<residual<arm, numbered<20>>, numbered<20>>;
};
struct net {
    using input = image<3, 13, 11>;
    using layers =
        chain<numbered<3>, conv2d<3, 20, window<3>, shard::output>, numbered<20>, repeat<2, block>,
              centre_channels, conv2d<20, 20, window<1>, shard::output>, centre_channels>;
};

/// The same net step by step with plain loops over whole tensors.
std::vector<double> by_hand() {
    std::vector<double> result;
    network<net, mesh<>, backend::reference, double> one(MPI_COMM_SELF);
    load_seeded(one);
    const std::int64_t extents[] = {1, 3, 13, 11};
    result = one.forward(io::seeded_values<double>("input", extents));
    return result;
}

template <class Mesh>
void check() {
    const std::int64_t extents[] = {1, 3, 13, 11};
    const auto x = io::seeded_values<float>("input", extents);
    network<net, Mesh> together(MPI_COMM_WORLD);
    network<net> alone(MPI_COMM_SELF);
    load_seeded(together);
    load_seeded(alone);
    const auto y = together.forward(x);
    CHECK(y == alone.forward(x));
    CHECK(together.measured() == together.predicted());
    const auto exact = by_hand();
    for (std::size_t i = 0; i < y.size(); ++i)
        CHECK(double(y[i]) == Approx(exact[i]).epsilon(1e-4).margin(1e-3));
}

}  // namespace

TEST_CASE("a user's layers on any number of ranks") { check<mesh<>>(); }

TEST_CASE("a user's layers on a static mesh") {
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ranks == 1) check<mesh<axis::model<1>>>();
    if (ranks == 2) check<mesh<axis::model<2>>>();
    if (ranks == 3) check<mesh<axis::model<3>>>();
}

TEST_CASE("the plan knows a user's parameters and which layer is which") {
    const auto& p = plan_of<net>;
    int customs = 0;
    for (const auto& s : p.steps) {
        if (!traits_of(s.what).is_of_net) continue;
        CHECK(s.custom >= 0);
        ++customs;
    }
    CHECK(customs == 10);
    const auto names = parameter_names(p, {});
    CHECK(names.front() == "0.s");
    CHECK(names[1] == "0.t");
    CHECK(names[2] == "1.weight");
}
