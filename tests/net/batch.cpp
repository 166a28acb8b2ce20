// SPDX-License-Identifier: MIT
// An image's outputs have the same bits alone and in a batch, wherever it stands there and on any number of ranks.
// ranks: 1 2 3
#include "support/catch.hpp"
#include "support/oracle.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <optional>
#include <vector>

using namespace mpar;

namespace {

constexpr int batch = 3;

/// Sums of three outputs, one image: the register tiles of one pixel.
struct dense_alone {
    using input = image<250, 1, 1>;
    using layers = chain<flatten, dense<250, 3>>;
};
struct few_outputs {
    using input = image<100, 3, 2>;
    using layers = chain<conv2d<100, 3, window<3>>, relu>;
};
struct direct {
    using input = image<3, 29, 31>;
    using layers =
        chain<conv2d<3, 40, window<7, 2>>, batch_norm<40>, relu, conv2d<40, 24, window<1>>, silu,
              conv2d<24, 33, window<5, 2>>, global_avg_pool, dense<33, 70>, softmax>;
};
/// As wide as Winograd's filtering wants it, and pairs of products.
struct in_tiles {
    struct arm {
        using layers =
            chain<conv2d<64, 64, window<3>>, batch_norm<64>, relu, conv2d<64, 64, window<1>>>;
    };
    using input = image<64, 28, 30>;
    using layers = chain<residual<arm, identity>, relu, conv2d<64, 96, window<3, 2>>, relu,
                         conv2d<96, 64, window<3>>, max_pool<window<2, 2>>>;
};
struct grouped {
    using input = image<32, 15, 17>;
    using layers =
        chain<conv2d<32, 48, window<3>, groups<4>>, relu6, conv2d<48, 48, window<3, 2>, groups<48>>,
              batch_norm<48>, conv2d<48, 20, window<1>>, avg_pool<window<3, 2>>>;
};

template <class Net>
std::vector<float> forward(MPI_Comm comm, const options& how, const std::vector<float>& images) {
    network<Net> net(comm, how);
    load_seeded(net);
    shape all = Net::input::extents;
    all.n = how.batch;
    std::vector<float> y(std::size_t(net.output_shape().count()));
    net.forward(dense_view(images.data(), all).part(net.input_box()),
                dense_view(y.data(), net.output_shape()));
    return y;
}

}  // namespace

TEMPLATE_TEST_CASE("a batch gives each image's own bits", "", dense_alone, few_outputs, direct,
                   in_tiles, grouped) {
    shape all = TestType::input::extents;
    const auto each = std::size_t(all.count());
    const std::int64_t extents[] = {batch, all.c, all.h, all.w};
    const auto images = io::seeded_values<float>("input", extents);
    for (const bool exact : {true, false}) {
        std::vector<float> alone;
        for (std::size_t i = 0; i < batch; ++i) {
            const std::vector<float> one(images.begin() + long(i * each),
                                         images.begin() + long((i + 1) * each));
            const auto y = forward<TestType>(MPI_COMM_SELF, {.exact = exact}, one);
            alone.insert(alone.end(), y.begin(), y.end());
        }
        for (const auto team : {teaming::off, teaming::claim, teaming::static_}) {
            for (const auto asked : {std::optional<policy>{}, std::optional(policy::none),
                                     std::optional(policy::batch), std::optional(policy::rows),
                                     std::optional(policy::cols), std::optional(policy::output)}) {
                INFO((exact ? "exact" : "fast") << ", team " << name_of(team) << ", policy "
                                                << (asked ? name_of(*asked) : "own"));
                const options how{.batch = batch, .asked = asked, .exact = exact, .team = team};
                CHECK(mpar_test::same_bits(forward<TestType>(MPI_COMM_WORLD, how, images), alone));
            }
        }
    }
}
