// SPDX-License-Identifier: MIT
// Weight files that do not fit the net: every rank throws the same sentence, and the net stays
// usable. What the tensors hold; files broken as files: faults_files.cpp.
// isa: native
// ranks: 1 2 3
#include "models/faults.hpp"

#include <cmath>
#include <functional>

using namespace mpar;
using namespace faults;

namespace {

struct bad_weights {
    std::string name;
    fault kind;
    std::string words;
    state weights;
};
using table = std::vector<bad_weights>;

/// Good weights with one tensor changed.
state with(const std::string& name, const std::function<void(stored&)>& change) {
    state all = seeded_state();
    change(called(all, name));
    return all;
}

void check_all(const table& cases) {
    const job_folder folder;
    const std::string good = folder.write("good.safetensors", safetensors(seeded_state()));
    for (const auto& bad : cases) {
        const auto path = folder.write("bad.safetensors", safetensors(bad.weights));
        refuses(bad.name, bad.kind, bad.words, path, good);
    }
}

std::string spelled(const std::vector<long>& shape) {
    std::string text = "[";
    for (const long extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
    return text + "]";
}

/// The tensor with another shape, and bytes as that asks for.
bad_weights shaped(const stored& tensor, const std::vector<long>& shape) {
    return {"shape of " + tensor.name + " " + spelled(shape), fault::model,
            "tensor '" + tensor.name + "' is " + spelled(shape) + ", the network takes " +
                spelled(tensor.shape),
            with(tensor.name, [&](stored& t) {
                t.shape = shape;
                t.bytes.resize(std::size_t(4 * t.count()));
            })};
}

bad_weights with_value(const stored& tensor, long index, float value, const std::string& words) {
    return {words + " in " + tensor.name, fault::numbers,
            "tensor '" + tensor.name + "' has " + words + " at element " + std::to_string(index),
            with(tensor.name, [&](stored& t) {
                std::memcpy(t.bytes.data() + 4 * index, &value, sizeof value);
            })};
}

}  // namespace

TEST_CASE("a tensor is missing") {
    table cases;
    for (std::size_t i = 0; i < seeded_state().size(); ++i) {
        state rest = seeded_state();
        const std::string name = rest[i].name;
        rest.erase(rest.begin() + std::ptrdiff_t(i));
        cases.push_back(
            {"without " + name, fault::model, "tensor '" + name + "' is missing", rest});
    }
    REQUIRE(cases.size() == 13);
    check_all(cases);
}

TEST_CASE("a tensor too many") {
    table cases;
    for (const char* name : {"extra", "stem.conv.bias", "head.weight2", "Head.weight",
                             "module.head"
                             ".weight",
                             "num_batches_tracked.weight"}) {
        state more = seeded_state();
        more.push_back({name, "F32", {1}, floats({1})});
        cases.push_back({std::string("with ") + name, fault::model,
                         std::string("tensor '") + name + "' belongs to no layer", more});
    }
    check_all(cases);
}

TEST_CASE("a prefix that only some names have is part of them") {
    state renamed = seeded_state();
    for (auto& tensor : renamed) {
        if (!tensor.name.starts_with("head")) tensor.name = "module." + tensor.name;
    }
    check_all({{"module.", fault::model,
                "tensor 'first.norm.weight' is missing, the file has 'module.first.norm.weight' "
                "[3], ",
                renamed}});
}

TEST_CASE("below a prefix a bad tensor is named as the file has it") {
    state renamed = seeded_state();
    for (auto& tensor : renamed) tensor.name = "module." + tensor.name;
    state missing = renamed, shaped = renamed;
    called(missing, "module.head.bias").name = "module.head.shift";
    auto& other = called(shaped, "module.head.bias");
    other.shape = {2};
    other.bytes.resize(8);
    check_all(
        {{"missing", fault::model,
          "tensor 'module.head.bias' is missing, the file has 'module.head.shift' [70]", missing},
         {"shape", fault::model, "tensor 'module.head.bias' is [2], the network takes [70]",
          shaped}});
}

TEST_CASE("another number of classes is said with both shapes") {
    state ten = seeded_state();
    auto& weight = called(ten, "head.weight");
    weight.shape[0] = 10;
    weight.bytes.resize(std::size_t(4 * weight.count()));
    check_all({{"10 classes", fault::model,
                "tensor 'head.weight' is [10, 20], the network takes [70, 20]", ten}});
}

TEST_CASE("names of layers that are too few, too many, or there twice") {
    const job_folder folder;
    const std::string good = folder.write("good.safetensors", safetensors(seeded_state()));
    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    const auto refused = [&](const std::string& words, const std::vector<std::string>& layers) {
        refused_by_all(words, fault::usage, words, [&] { load(net, good, layers); });
    };
    refused("layer_names has 4 names, the network has 5 layers with parameters",
            {"first.norm", "stem.conv", "stem.norm", "mid.conv"});
    refused("layer_names has 6 names, the network has 5 layers with parameters",
            {"first.norm", "stem.conv", "stem.norm", "mid.conv", "head", "more"});
    refused("layer_names has 'mid.conv' twice",
            {"first.norm", "mid.conv", "stem.norm", "mid.conv", "head"});
    load(net, good);
    CHECK(net.forward(images()) == right_answer());
}

TEST_CASE("a tensor of another shape") {
    table cases;
    for (const auto& tensor : seeded_state()) {
        for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
            auto longer = tensor.shape, shorter = tensor.shape;
            ++longer[d], --shorter[d];
            cases.push_back(shaped(tensor, longer));
            cases.push_back(shaped(tensor, shorter));
        }
    }
    REQUIRE(cases.size() == 2 * (10 + 2 * 4 + 2));
    check_all(cases);
}

TEST_CASE("a tensor of another rank, or its extents in another order") {
    table cases;
    for (const auto& tensor : seeded_state()) {
        auto more = tensor.shape;
        more.push_back(1);
        cases.push_back(shaped(tensor, more));
        if (tensor.shape.size() > 1) {
            cases.push_back(shaped(tensor, {tensor.count()}));
            cases.push_back(shaped(tensor, {tensor.shape.rbegin(), tensor.shape.rend()}));
        }
    }
    cases.push_back(shaped(seeded_state()[0], {}));
    check_all(cases);
}

TEST_CASE("a tensor of another type") {
    table cases;
    const auto add = [&](const std::string& tensor, const std::string& type, std::size_t size) {
        cases.push_back({tensor + " as " + type, fault::model,
                         "tensor '" + tensor + "' is " + type + ", the network takes F32",
                         with(tensor, [&](stored& t) {
                             t.type = type;
                             t.bytes.assign(std::size_t(t.count()) * size, '\1');
                         })});
    };
    add("stem.conv.weight", "I64", 8);
    add("stem.conv.weight", "BOOL", 1);
    add("stem.conv.weight", "U8", 1);
    add("head.weight", "I8", 1);
    add("head.weight", "I16", 2);
    add("head.bias", "I32", 4);
    add("stem.norm.running_var", "U64", 8);
    check_all(cases);
}

TEST_CASE("NaN and infinity in every tensor") {
    table cases;
    for (const auto& tensor : seeded_state()) {
        const long last = tensor.count() - 1;
        cases.push_back(with_value(tensor, last, NAN, "NaN"));
        cases.push_back(with_value(tensor, last / 2, INFINITY, "infinity"));
        cases.push_back(with_value(tensor, 0, -INFINITY, "infinity"));
    }
    check_all(cases);
}

TEST_CASE("a finite double that is no finite float") {
    check_all({{"1e300", fault::numbers, "head.weight", with("head.weight", [](stored& t) {
                    const std::vector<double> values(std::size_t(t.count()), 1e300);
                    t.type = "F64";
                    t.bytes.assign(reinterpret_cast<const char*>(values.data()), 8 * values.size());
                })}});
}

TEST_CASE("a variance below zero") {
    table cases;
    for (const auto& [norm, channels] : {std::pair("first.norm", 3), std::pair("stem.norm", 12)}) {
        for (int c = 0; c < channels; c += channels - 1) {
            const float negative = -0.25f;
            cases.push_back({std::string(norm) + std::to_string(c), fault::numbers,
                             "channel " + std::to_string(c),
                             with(std::string(norm) + ".running_var", [&](stored& t) {
                                 std::memcpy(t.bytes.data() + 4 * c, &negative, 4);
                             })});
        }
    }
    check_all(cases);
}

TEST_CASE("a load that fails undoes an earlier one") {
    const job_folder folder;
    const auto good = folder.write("good.safetensors", safetensors(seeded_state()));
    state missing = seeded_state();
    missing.pop_back();
    const auto without = folder.write("without.safetensors", safetensors(missing));
    const auto nan = folder.write("nan.safetensors", safetensors(with("head.bias", [](stored& t) {
                                      const float value = NAN;
                                      std::memcpy(t.bytes.data(), &value, 4);
                                  })));
    for (const auto& [bad, kind] :
         {std::pair(folder.path("none"), fault::model), std::pair(without, fault::model),
          std::pair(nan, fault::numbers)}) {
        tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
        load(net, good);
        CHECK(net.forward(images()) == right_answer());
        refused_by_all(bad, kind, "", [&] { load(net, bad); });
        refused_by_all(bad + ", then forward", fault::usage, "no weights yet",
                       [&] { net.forward(images()); });
        load(net, good);
        CHECK(net.forward(images()) == right_answer());
    }
}
