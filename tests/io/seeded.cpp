// SPDX-License-Identifier: MIT
// Tests of io/seeded.hpp against values made by numpy from the same definition.
#include <mpar/io/seeded.hpp>

#include "io/files.hpp"

#include <bit>
#include <map>

#include <nlohmann/json.hpp>

using namespace mpar;

namespace {

using extents = std::vector<std::int64_t>;

/// FNV-1a of the first 1,000 values' bytes.
std::uint64_t hash(const std::vector<float>& values) {
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    return io::fnv1a({bytes, std::min<std::size_t>(4000, 4 * values.size())});
}

/// All parameters of a network: per tensor the sum of the values' bits, combined in order.
std::uint64_t checksum(const std::string& arch) {
    std::ifstream file(MPAR_TEST_DATA "/arch/" + arch + ".json");
    const auto shapes = nlohmann::ordered_json::parse(file);
    std::uint64_t total = 0;
    for (const auto& [name, shape] : shapes.items()) {
        if (name.ends_with("num_batches_tracked")) continue;
        std::uint64_t sum = 0;
        const auto value = io::seeded_tensor(name, shape.get<extents>());
        for (std::size_t i = 0; i < value.size(); ++i)
            sum += std::bit_cast<std::uint32_t>(value[i]);
        total = total * 31 + sum;
    }
    return total;
}

}  // namespace

TEST_CASE("the role follows from name and shape") {
    const auto seeded = [](const char* name, const extents& shape) {
        return io::seeded_values<float>(name, shape);
    };
    const auto conv = seeded("conv1.weight", {64, 3, 7, 7});
    REQUIRE(conv.size() == 9408);
    CHECK(conv[0] == 0.018213026225566864f);
    CHECK(conv[1] == -0.17180079221725464f);
    CHECK(conv.back() == -0.07350964099168777f);
    CHECK(hash(conv) == 0x8e15fe63d8fd3107u);
    CHECK(hash(seeded("fc.weight", {1000, 512})) == 0x5b35ef51d4cc3bd6u);
    CHECK(hash(seeded("fc.bias", {1000})) == 0x7db2fbf34141145cu);
    CHECK(hash(seeded("bn1.weight", {64})) == 0x507384d639436856u);
    CHECK(hash(seeded("bn1.bias", {64})) == 0x264c11822117d9bbu);
    CHECK(hash(seeded("bn1.running_mean", {64})) == 0xda79d6e23bd26d16u);
    CHECK(hash(seeded("bn1.running_var", {64})) == 0x8a88e1fc579c677fu);
    CHECK(seeded("bn1.num_batches_tracked", {}) == std::vector<float>{0});
}

TEST_CASE("the input is uniform in [-1, 1)") {
    const auto input = io::seeded_values<float>("input", extents{2, 3, 224, 224});
    CHECK(input[0] == -0.8043633699417114f);
    CHECK(input[1] == -0.705042839050293f);
    CHECK(input[2] == 0.14816880226135254f);
    CHECK(input.back() == -0.3655928373336792f);
    const auto [least, most] = std::ranges::minmax(input);
    CHECK(least >= -1);
    CHECK(least < -0.9999f);
    CHECK(most < 1);
    CHECK(most > 0.9999f);
}

TEST_CASE("doubles are the floats") {
    const auto single = io::seeded_values<float>("conv1.weight", extents{2, 3, 7, 7});
    const auto wide = io::seeded_values<double>("conv1.weight", extents{2, 3, 7, 7});
    CHECK(std::vector<double>(single.begin(), single.end()) == wide);
}

TEST_CASE("a value needs no other value") {
    const extents shape{64, 3, 7, 7};
    const io::seeded_tensor tensor("conv1.weight", shape);
    const auto all = io::seeded_values<float>("conv1.weight", shape);
    for (const std::size_t i : {0u, 17u, 9407u}) CHECK(tensor[i] == all[i]);
}

TEST_CASE("all parameters of whole networks agree") {
    CHECK(checksum("resnet18") == 0x3299c7dfd7a4bfcbu);
    CHECK(checksum("efficientnet_lite0") == 0xe480f0568f1635d6u);
}
