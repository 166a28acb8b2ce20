// SPDX-License-Identifier: MIT
// Random nets: P ranks give one rank's bits, send what was predicted, and agree with plain loops.
// ranks: 1 2 3 4 6 8
// timeout: 300
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/random_graph.hpp"
#include "support/run_graph.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/kernels/reference/backend.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/layers/dense.hpp>
#include <mpar/net/graph/walk.hpp>

#include <cstdlib>
#include <cstring>

using namespace mpar;
using mpar_test::run_graph;

namespace {

/// 30 nets, 9 where ranks outnumber cores by far; MPAR_LONG=1 makes it 200.
int net_count() {
    int ranks = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    return std::getenv("MPAR_LONG") ? 200 : mpar_test::effort(ranks > 4 ? 9 : 30);
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
double greatest(const std::vector<T>& a) {
    double most = 0;
    for (const T x : a) most = std::max(most, std::abs(double(x)));
    return most;
}

template <class T>
double difference(const std::vector<T>& a, const std::vector<T>& b) {
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = std::abs(double(a[i]) - double(b[i]));
        if (!(d <= most)) most = d;
    }
    return most;
}

/// Every policy on all ranks against the layers' own policies on one rank.
template <class Backend, class T>
std::vector<T> check_net(const mpar_test::random_graph& net, int batch) {
    const auto alone = run_graph<Backend, T>(MPI_COMM_SELF, net.lower(), {.batch = batch});
    CHECK(alone.measured == traffic{});
    for (const auto asked :
         {std::optional<policy>{}, std::optional(policy::none), std::optional(policy::batch),
          std::optional(policy::rows), std::optional(policy::cols), std::optional(policy::tiles),
          std::optional(policy::output)}) {
        INFO("policy " << (asked ? name_of(*asked) : "own"));
        const auto together = run_graph<Backend, T>(MPI_COMM_WORLD, net.lower(asked),
                                                   {.batch = batch, .team = teaming::off});
        CHECK(same_bits(together.values, alone.values));
        CHECK(together.measured == together.predicted);
    }
    return alone.values;
}

}  // namespace

TEST_CASE("random nets: the same bits on any number of ranks, bytes as predicted") {
    for (int seed = 0; seed < net_count(); ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 1000u);
        const int batch = 1 + seed % 3;
        INFO("seed " << seed << ", batch " << batch << ": " << net.text());
        const auto plain = check_net<backend::reference, float>(net, batch);
        const auto vectors = check_net<backend::cpu, float>(net, batch);
        CHECK(difference(plain, vectors) <= 2e-5 * greatest(plain));
    }
}

/// Own policies among which sums are cut, and those that cut every sum.
template <class Backend, class T>
void check_cut_sums(const mpar_test::random_graph& net, int batch, double tolerance) {
    const auto exact = run_graph<Backend, T>(MPI_COMM_SELF, net.lower(policy::none), {.batch = batch});
    for (const bool reproducible : {false, true}) {
        const options how{
            .batch = batch, .team = teaming::off, .reproducible = reproducible};
        for (const auto asked : {std::optional<policy>{}, std::optional(policy::input),
                                 std::optional(policy::grid)}) {
            INFO("policy " << (asked ? name_of(*asked) : "own")
                           << (reproducible ? ", reproducible" : ""));
            const auto together = run_graph<Backend, T>(MPI_COMM_WORLD, net.lower(asked), how);
            CHECK(difference(together.values, exact.values) <= tolerance * greatest(exact.values));
            CHECK(together.measured == together.predicted);
            if (!reproducible) continue;
            const auto alone = run_graph<Backend, T>(MPI_COMM_SELF, net.lower(asked), how);
            CHECK(same_bits(together.values, alone.values));
        }
    }
}

TEST_CASE("random nets whose sums are cut: close, and reproducible the same bits") {
    for (int seed = 0; seed < net_count() / 2; ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 20000u, true);
        const int batch = 1 + seed % 3;
        INFO("seed " << seed << ", batch " << batch << ": " << net.text());
        check_cut_sums<backend::cpu, float>(net, batch, 1e-5);
        if (seed % 3 == 0) check_cut_sums<backend::reference, double>(net, batch, 1e-13);
    }
}

namespace {

/// By Winograd's filtering, and cut into sums of 16 channels.
struct wide {
    using input = image<128, 56, 56>;
    using layers = chain<conv2d<128, 32, window<3>>>;
};

/// Rows of a cut sum, of which the next layer reads its neighbours'.
struct sum_then_rows {
    using input = image<64, 48, 20>;
    using layers = chain<conv2d<64, 32, window<1>, shard::input>, relu,
                         conv2d<32, 32, window<3>, shard::rows>>;
};

}  // namespace

TEST_CASE("rows of a sum travel to those who read them") {
    const lowered l = lower(graph_of<sum_then_rows>, sum_then_rows::input::extents, policy::none);
    const lowered whole = lower(graph_of<sum_then_rows>, sum_then_rows::input::extents, policy::none,
                                policy::none);
    for (const bool reproducible : {false, true}) {
        const options how{.batch = 2, .team = teaming::off, .reproducible = reproducible};
        const auto together = run_graph<backend::cpu, float>(MPI_COMM_WORLD, l, how);
        const auto alone = run_graph<backend::cpu, float>(MPI_COMM_SELF, whole, how);
        CHECK(difference(together.values, alone.values) <= 1e-5 * greatest(alone.values));
        CHECK(together.measured == together.predicted);
    }
}

TEST_CASE("a sum of few channels has the memory that it needs") {
    for (const auto asked : {policy::input, policy::grid}) {
        const lowered l = lower(graph_of<wide>, wide::input::extents, policy::none, asked);
        const options how{.batch = 2, .team = teaming::off, .reproducible = true};
        const auto together = run_graph<backend::cpu, float>(MPI_COMM_WORLD, l, how);
        const auto alone = run_graph<backend::cpu, float>(MPI_COMM_SELF, l, how);
        CHECK(same_bits(together.values, alone.values));
    }
}

TEST_CASE("random nets in double precision") {
    for (int seed = 0; seed < net_count() / 3; ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 5000u);
        INFO("seed " << seed << ": " << net.text());
        const auto plain =
            run_graph<backend::reference, double>(MPI_COMM_SELF, net.lower(), {.batch = 2}).values;
        const auto vectors = check_net<backend::cpu, double>(net, 2);
        CHECK(difference(plain, vectors) <= 1e-13 * greatest(plain));
    }
}

TEST_CASE("inputs that come in parts: every rank passes its own") {
    for (int seed = 0; seed < mpar_test::effort(8); ++seed) {
        const mpar_test::random_graph net(unsigned(seed) + 9000u);
        INFO("seed " << seed << ": " << net.text());
        const auto alone = run_graph<backend::cpu, float>(MPI_COMM_SELF, net.lower(), {.batch = 3});
        for (const auto given : {policy::rows, policy::batch, policy::output}) {
            const lowered l = lower(net.view(), net.input(), given);
            const auto together = run_graph<backend::cpu, float>(
                MPI_COMM_WORLD, l, {.batch = 3, .team = teaming::off});
            CHECK(same_bits(together.values, alone.values));
            CHECK(together.measured == together.predicted);
        }
    }
}

namespace {

/// As many channels as groups, and no depthwise convolution.
struct one_channel {
    using input = image<1, 20, 20>;
    using layers = chain<conv2d<1, 1, window<3, 2>>, relu, conv2d<1, 8, window<3>>>;
};
/// Images of four channels whose first outputs are cut by channels: rank 1 has half a vector.
struct few_channels {
    using input = image<4, 14, 28>;
    using layers = chain<conv2d<4, 18, window<5, 3>, shard::output>, relu, conv2d<18, 8, window<3>>>;
};

template <class Net>
void check_image() {
    using B = backend::cpu;
    const lowered l = lower(graph_of<Net>, Net::input::extents, policy::follow);
    const part mine = partition(l.view(), setting_on<B, float>({}, 2));
    CHECK(mine.tensors[0].block == B::image_block<float>);
    CHECK(mine.tensors[1].block == B::block<float>);
    const auto plain = run_graph<backend::reference, float>(MPI_COMM_SELF, l, {.batch = 2});
    const auto alone = run_graph<backend::cpu, float>(MPI_COMM_SELF, l, {.batch = 2});
    const auto together = run_graph<backend::cpu, float>(MPI_COMM_WORLD, l,
                                                        {.batch = 2, .team = teaming::off});
    CHECK(difference(plain.values, alone.values) <= 2e-5 * greatest(plain.values));
    CHECK(same_bits(together.values, alone.values));
}

}  // namespace

TEST_CASE("images of few channels") {
    check_image<one_channel>();
    check_image<few_channels>();
}
