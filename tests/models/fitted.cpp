// SPDX-License-Identifier: MIT
// Nets with the classes and channels of a weight file: the plan and the bits of a type that has them.
// isa: native
// ranks: 1 2
#include "support/catch.hpp"

#include "io/files.hpp"

#include <mpar/io/safetensors.hpp>
#include <mpar/io/weights.hpp>
#include <mpar/models/fitted.hpp>
#include <mpar/models/load.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>
#include <mpar/net/dynamic_network.hpp>

#include <filesystem>

using namespace mpar;

namespace {

template <int Channels, int Classes, int Pixels>
struct net {
    using input = image<Channels, Pixels, Pixels>;
    using layers = chain<conv2d<Channels, 8, window<3>, shard::rows>, batch_norm<8>, relu,
                         conv2d<8, 8, window<3>>, global_avg_pool, dense<8, Classes>>;
    static std::vector<std::string> layer_names() { return {"a", "b", "c", "head"}; }
};
using published = net<3, 1000, 32>;

/// Another window, and other classes.
struct other {
    using input = image<3, 32, 32>;
    using layers = chain<conv2d<3, 8, window<5>>, batch_norm<8>, relu, conv2d<8, 8, window<3>>,
                         global_avg_pool, dense<8, 10>>;
    static std::vector<std::string> layer_names() { return {"a", "b", "c", "head"}; }
};

/// A file of a net's seeded weights, and its own name for `tensor`.
template <class Net>
std::string written() {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const std::string path = (std::filesystem::temp_directory_path() /
                              ("mpar_fitted_" + std::to_string(getpid()) + ".safetensors"))
                                 .string();
    const plan& p = plan_of<Net>;
    const auto names = parameter_names(p, Net::layer_names());
    const seeded_reader<float> values(p, Net::layer_names());
    std::vector<std::vector<float>> all;
    std::vector<io::stored_tensor> tensors;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto& q = p.parameters[i];
        all.emplace_back(std::size_t(q.count()));
        values(int(i), {0, q.extents[0]}, all.back().data());
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto& q = p.parameters[i];
        tensors.push_back({names[i],
                           dtype::f32,
                           {q.extents.begin(), q.extents.begin() + q.rank},
                           std::as_bytes(std::span(all[i]))});
    }
    io::write_safetensors(path, tensors, fault::model);
    return path;
}

}  // namespace

TEST_CASE("a net takes the file's channels and classes, and any size of image") {
    const auto check = [](auto form) {
        using Net = decltype(form);
        const std::string path = written<Net>();
        const auto file = io::read_weights(path);
        const shape image{1, 3, Net::input::extents.h, Net::input::extents.w};
        auto fit = fitted(graph_of<published>, image, {published::layer_names()}, &file);
        CHECK(fit.image == Net::input::extents);
        dynamic_network<> made(MPI_COMM_WORLD, std::move(fit.net), fit.image);
        network<Net> typed(MPI_COMM_WORLD);
        load(made, path, published::layer_names());
        load(typed, path);
        const std::vector<float> x(std::size_t(made.input_box().count()), 0.25f);
        const auto y = made.forward(x);
        CHECK(y == typed.forward(x));
        CHECK(y.size() == std::size_t(plan_of<Net>.output().extents.c));
        std::filesystem::remove(path);
    };
    check(net<3, 10, 32>{});
    check(net<1, 10, 20>{});
    check(net<4, 1000, 7>{});
    check(published{});
}

TEST_CASE("what differs otherwise stays for load to complain about") {
    const std::string path = written<other>();
    {
        const auto file = io::read_weights(path);
        auto fit = fitted(graph_of<published>, published::input::extents,
                          {published::layer_names()}, &file);
        dynamic_network<> made(MPI_COMM_WORLD, std::move(fit.net), fit.image);
        CHECK(made.output_shape().c == 10);
        CHECK_THROWS_WITH(load(made, path, published::layer_names()),
                          Catch::Matchers::ContainsSubstring("'a.weight' is [8, 3, 5, 5]"));
    }
    std::filesystem::remove(path);
    const auto none =
        fitted(graph_of<published>, published::input::extents, {published::layer_names()}, nullptr);
    CHECK(none.net.view().size() == graph_of<published>.size());
}
