// SPDX-License-Identifier: MIT
// Tests of models/names.hpp and models/stored_names.hpp: what parameters are called, and which of a
// file's tensors they are.
#include "support/catch.hpp"

#include "io/files.hpp"

#include <mpar/models/densenet.hpp>
#include <mpar/models/efficientnet_lite.hpp>
#include <mpar/models/names.hpp>
#include <mpar/models/stored_names.hpp>
#include <mpar/mpar.hpp>

#include <algorithm>
#include <regex>
#include <set>

using namespace mpar;

namespace {

using names = std::vector<std::string>;

/// A file of tensors of those names, the k-th of shape [k + 1].
io::tensor_file file_of(const io_test::folder& folder, const names& all) {
    io::mapped_file file(folder.write("f", std::string(100, 'x')), fault::model);
    std::vector<io::stored_tensor> tensors;
    for (std::size_t i = 0; i < all.size(); ++i) {
        tensors.push_back(
            {all[i], dtype::u8, {std::int64_t(i) + 1}, file.bytes().subspan(0, i + 1)});
    }
    return io::tensor_file(std::move(file), std::move(tensors));
}

// clang-format off
struct arms {
    struct body { using layers = chain<conv2d<4, 4, window<3>>, relu, conv2d<4, 4, window<3>>>; };
    struct skip { using layers = chain<conv2d<4, 4, window<1>>>; };
    struct block { using layers = chain<residual<body, skip>, relu>; };
    using input  = image<4, 8, 8>;
    using layers = chain<
        conv2d<4, 4, window<1>>, relu, residual<body>, block, concat<identity, body, skip>,
        global_avg_pool, dense<12, 2>>;
};
// clang-format on

std::string found(const detail::stored_names& stored, std::size_t i) {
    return stored[i] ? stored[i]->name : "none";
}

}  // namespace

TEST_CASE("without names a layer is called by its positions, of the chains around it first") {
    const auto tensors = parameter_names(plan_of<arms>, {});
    const names wanted{"0.weight",       "2.0.0.weight",   "2.0.2.weight", "3.0.0.0.weight",
                       "3.0.0.2.weight", "3.0.1.0.weight", "4.1.0.weight", "4.1.2.weight",
                       "4.2.0.weight",   "6.weight",       "6.bias"};
    CHECK(tensors == wanted);
}

TEST_CASE("a common prefix is taken off when the names are found below it") {
    const io_test::folder folder;
    for (const std::string prefix : {"", "module.", "module._orig_mod.", "a.a.a."}) {
        const auto file = file_of(folder, {prefix + "a.weight", prefix + "b.weight"});
        const detail::stored_names stored({{"b.weight", "a.weight"}}, file);
        CHECK(found(stored, 0) == prefix + "b.weight");
        CHECK(found(stored, 1) == prefix + "a.weight");
        CHECK(stored.name(1) == prefix + "a.weight");
    }
    // The net's own names may begin alike, and a file may be of one layer.
    const auto nested = file_of(folder, {"net.net.a.weight", "net.net.a.bias"});
    CHECK(found(detail::stored_names({{"net.net.a.bias"}}, nested), 0) == "net.net.a.bias");
    CHECK(found(detail::stored_names({{"net.a.bias"}}, nested), 0) == "net.net.a.bias");
    CHECK(found(detail::stored_names({{"a.bias"}}, nested), 0) == "net.net.a.bias");
    CHECK(found(detail::stored_names({{"bias"}}, nested), 0) == "net.net.a.bias");
    CHECK(found(detail::stored_names({{"ias"}}, nested), 0) == "none");
    CHECK(found(detail::stored_names({{"a.bias"}}, file_of(folder, {})), 0) == "none");
}

TEST_CASE("the counter of an averaged model has no prefix") {
    const io_test::folder folder;
    for (const names& all : {names{"n_averaged", "module.a.weight", "module.b.weight"},
                             names{"module.a.weight", "module.b.weight", "n_averaged"}}) {
        const auto file = file_of(folder, all);
        const detail::stored_names stored({{"b.weight", "a.weight"}}, file);
        CHECK(found(stored, 0) == "module.b.weight");
        CHECK(found(stored, 1) == "module.a.weight");
        CHECK(stored.nearest(0, {}).find("n_averaged") == std::string::npos);
    }
    CHECK(found(detail::stored_names({{"a"}}, file_of(folder, {"n_averaged"})), 0) == "none");
}

TEST_CASE("the prefix under which the most are found is taken") {
    const io_test::folder folder;
    const auto file = file_of(folder, {"0.weight", "0.0.weight", "0.1.weight"});
    const detail::stored_names stored({{"0.weight", "1.weight"}}, file);
    CHECK(found(stored, 0) == "0.0.weight");
    CHECK(found(stored, 1) == "0.1.weight");
}

TEST_CASE("the spelling by which the most are found is taken") {
    const io_test::folder folder;
    const auto file = file_of(folder, {"m.stem", "m.block.conv", "m.head"});
    const detail::stored_names stored(
        {{"stem", "blocks.0", "fc"}, {"stem", "block.conv", "head"}, {"a", "b", "head"}}, file);
    CHECK(found(stored, 0) == "m.stem");
    CHECK(found(stored, 1) == "m.block.conv");
    CHECK(found(stored, 2) == "m.head");
    const detail::stored_names none({{"x", "y"}, {"z", "w"}}, file);
    CHECK(none.name(0) == "x");
}

TEST_CASE("the nearest names are those that begin and end alike, or have the shape") {
    const io_test::folder folder;
    const auto file = file_of(folder, {"zzz", "layer1.conv.weight", "fc.num_batches_tracked",
                                       "layer1.conv2.bias", "layer2.conv.weight", "yyy"});
    const detail::stored_names stored({{"layer1.conv1.weight", "layer1.conv.weight"}}, file);
    CHECK(stored.nearest(0, {9}) ==
          ", the file has 'layer2.conv.weight' [5], 'layer1.conv2.bias' [4], 'zzz' [1]");
    CHECK(stored.nearest(0, {6}).ends_with("'yyy' [6]"));
    const auto only = file_of(folder, {"a"});
    CHECK(detail::stored_names({{"a", "b"}}, only).nearest(1, {1}).empty());
}

TEST_CASE("DenseNet's old names have a dot before the number within a dense layer") {
    using net = densenet121;
    const auto own = net::layer_names(), old = net::other_layer_names().at(0);
    REQUIRE(own.size() == old.size());
    const std::regex pattern("^(.*denselayer\\d+\\.(?:norm|relu|conv))\\.([12])$");
    for (std::size_t i = 0; i < own.size(); ++i) {
        CHECK(std::regex_replace(old[i], pattern, "$1$2") == own[i]);
    }
    CHECK(std::ranges::count(old, "features.denseblock1.denselayer1.norm.1") == 1);
    CHECK(std::ranges::count(old, "features.transition1.norm") == 1);
    CHECK(std::ranges::count(old, "features.norm5") == 1);
}

TEST_CASE("timm's names of efficientnet_lite0") {
    using net = efficientnet_lite0;
    const auto own = net::layer_names(), timm = net::other_layer_names().at(0);
    REQUIRE(own.size() == timm.size());
    CHECK(std::set<std::string>(timm.begin(), timm.end()).size() == timm.size());
    const auto called = [&](const std::string& name) {
        return timm[std::size_t(std::ranges::find(own, name) - own.begin())];
    };
    CHECK(called("_conv_stem") == "conv_stem");
    CHECK(called("_bn0") == "bn1");
    CHECK(called("_blocks.0._depthwise_conv") == "blocks.0.0.conv_dw");
    CHECK(called("_blocks.0._bn1") == "blocks.0.0.bn1");
    CHECK(called("_blocks.0._project_conv") == "blocks.0.0.conv_pw");
    CHECK(called("_blocks.0._bn2") == "blocks.0.0.bn2");
    CHECK(called("_blocks.1._expand_conv") == "blocks.1.0.conv_pw");
    CHECK(called("_blocks.1._bn0") == "blocks.1.0.bn1");
    CHECK(called("_blocks.4._depthwise_conv") == "blocks.2.1.conv_dw");
    CHECK(called("_blocks.4._bn1") == "blocks.2.1.bn2");
    CHECK(called("_blocks.15._project_conv") == "blocks.6.0.conv_pwl");
    CHECK(called("_blocks.15._bn2") == "blocks.6.0.bn3");
    CHECK(called("_conv_head") == "conv_head");
    CHECK(called("_bn1") == "bn2");
    CHECK(called("_fc") == "classifier");
}
