// SPDX-License-Identifier: MIT
// Tests of io/weights/torch_checkpoint.hpp: the state dict of what training scripts save, and the sentence
// where it is not clear which that is.
#include <mpar/io/weights.hpp>

#include "io/torch_bytes.hpp"

#include <utility>
#include <vector>

using namespace mpar;
using namespace io_test;

namespace {

using entries = std::vector<std::pair<std::string, std::string>>;

const std::vector<stored_run> runs{{"0", "aaaabbbbcccc", 3}};

/// A tensor of one float: the place-th of the storage.
std::string float_at(std::int64_t place) {
    return tensor(storage("FloatStorage", "0", 3), place, {1}, {1});
}

/// A state dict of the tensor 'w'.
std::string weights(std::int64_t place) { return dict({{"w", float_at(place)}}); }

const std::string namespace_of_options =
    global("argparse", "Namespace") + ")\x81}" + text("lr") + "G12345678sb";
const std::string numpy_scalar =
    global("numpy.core.multiarray", "scalar") + global("numpy", "dtype") +
    tuple(strings{text("f8"), no, yes}) + "R" + tuple(strings{"K\3", text("<"), none}) + "b" +
    global("_codecs", "encode") + tuple(strings{text("12345678"), text("latin1")}) + "R\x86R";
const std::string optimizer =
    dict({{"state", "}(K\1" + dict({{"step", "K\7"}, {"exp_avg", float_at(0)}}) + "u"},
          {"param_groups", list({dict({{"params", list({"K\1"})}})})}});

/// Which of the three floats 'w' is, by its first letter.
char letter(const std::string& value, const char* key = "") {
    const folder folder;
    char letters[2] = {};
    int n = 0;
    for (const auto& bytes : {torch_zip(value, runs), torch_stream(value, runs)}) {
        const auto file = io::read_pth(folder.write("w.pth", bytes), key);
        REQUIRE(file.tensors().size() == 1);
        REQUIRE(file.find("w"));
        letters[n++] = static_cast<char>(file.find("w")->bytes[0]);
    }
    CHECK(letters[0] == letters[1]);
    return letters[0];
}

void refused(const char* words, const std::string& value, const char* key = "") {
    const folder folder;
    const auto path = folder.write("w.pth", torch_zip(value, runs));
    expect_refusal(fault::model, words, [&] { io::read_pth(path, key); });
}

}  // namespace

TEST_CASE("what stands beside the state dict is passed over") {
    for (const std::string key :
         {"state_dict", "model_state_dict", "model", "net", "network", "module", "anything"}) {
        INFO(key);
        CHECK(letter(dict({{"epoch", "K\3"},
                           {"best", numpy_scalar},
                           {"args", namespace_of_options},
                           {"optimizer", optimizer},
                           {"scheduler", global("sched", "Cosine") + ")\x81}b"},
                           {key, weights(1)},
                           {"rng", list({float_at(0), none})}})) == 'b');
    }
    CHECK(letter("}(K\1" + weights(0) + text("model") + weights(2) + "u") == 'c');
}

TEST_CASE("a tensor at the top, beside a state dict under a plain key, is passed over") {
    CHECK(letter(dict({{"rng_state", float_at(0)}, {"model", weights(1)}})) == 'b');
}

TEST_CASE("a state dict may have a tensor called as the plain keys") {
    const folder folder;
    const auto path = folder.write("w.pth", torch_zip(dict({{"model", float_at(0)}}), runs));
    const auto file = io::read_pth(path);
    CHECK(file.find("model"));
}

TEST_CASE("of several state dicts the plain one is taken, or the one that is asked for") {
    const auto both = dict({{"model_ema", weights(0)}, {"model", weights(1)}, {"epoch", "K\1"}});
    CHECK(letter(both) == 'b');
    CHECK(letter(both, "model") == 'b');
    CHECK(letter(both, "model_ema") == 'a');
    refused("has no state dict under the key 'ema'; there are: 'model_ema', 'model'", both, "ema");
    refused("has no state dict under the key 'epoch'; there are: 'model_ema', 'model'", both,
            "epoch");
}

TEST_CASE("where no key is plain, or two are, the sentence lists them") {
    refused("has several state dicts, give the key of one: 'encoder', 'decoder'",
            dict({{"encoder", weights(0)}, {"decoder", weights(1)}}));
    refused("has several state dicts, give the key of one: 'model', 'net'",
            dict({{"model", weights(0)}, {"net", weights(1)}}));
    entries many;
    for (int i = 0; i < 100; ++i) many.emplace_back("net number " + std::to_string(i), weights(0));
    refused("'net number 1', ", dict(many));
    refused("has no state dict under the key 'x'; it has none under any key", weights(0), "x");
    refused("has no state dict under the key 'x\\x0a'", weights(0), "x\n");
}

TEST_CASE("a state dict may stand two levels down") {
    const auto nested = [](const char* key, int place) {
        return dict({{"name", text("net")}, {key, weights(place)}});
    };
    const auto one =
        dict({{"epoch", "K\1"}, {"optimizer", optimizer}, {"model", nested("state_dict", 1)}});
    CHECK(letter(one) == 'b');
    CHECK(letter(one, "model.state_dict") == 'b');
    refused("has no state dict under the key 'model'; there are: 'model.state_dict'", one, "model");
    // The one by plain keys alone is taken, then the one with a plain key.
    CHECK(letter(dict({{"ema", nested("state_dict", 0)}, {"model", nested("state_dict", 1)}})) ==
          'b');
    CHECK(letter(dict({{"generator", nested("state_dict", 2)}})) == 'c');
    const auto two = dict({{"generator", nested("state_dict", 0)}, {"critic", nested("net", 1)}});
    refused("give the key of one: 'generator.state_dict', 'critic.net'", two);
    CHECK(letter(two, "critic.net") == 'b');
    // What stands less deep goes first.
    CHECK(letter(dict({{"net", nested("model", 0)}, {"model", weights(1)}})) == 'b');
    CHECK(letter(dict({{"net", nested("aux", 0)}, {"backbone", weights(1)}})) == 'b');
    // An optimizer's moments are no weights.
    const auto moments = dict({{"optimizer", nested("exp_avg", 0)}});
    refused("entry 'optimizer' of the state dict is no tensor", moments);
    CHECK(letter(moments, "optimizer.exp_avg") == 'a');
}

TEST_CASE("one dict in very many places takes bounded time") {
    const std::string entry = text("a");
    std::string inner = "}q\1(", top = "}(";
    for (int i = 0; i < 30'000; ++i) inner += entry + "N";
    inner += "u";
    for (int i = 0; i < 30'000; ++i) top += entry + "h\1";
    refused("holds dicts within each other in too many ways", inner + "0" + top + "u");
}

TEST_CASE("files of every protocol of torch.save") {  // tests/data/torch/make.py
    const std::string where = std::string(MPAR_TEST_DATA) + "/torch/protocol";
    for (const std::string protocol : {"2", "3", "4", "5"}) {
        for (const std::string form : {".pth", "_stream.pth"}) {
            INFO(protocol << form);
            const auto file = io::read_weights({where + protocol + form});
            REQUIRE(file.tensors().size() == 2);
            REQUIRE(file.find("a"));
            CHECK(file.find("a")->shape == std::vector<std::int64_t>{2, 2});
            CHECK(io::values_of<float>(*file.find("a")) == std::vector<float>{1, 2, 3, 4});
            REQUIRE(file.find("b"));
            CHECK(file.find("b")->shape.empty());
            CHECK(file.find("b")->bytes[0] == std::byte{7});
        }
    }
}

TEST_CASE("what is in the state dict itself must be a tensor") {
    refused("entry 'epoch' of the state dict is no tensor",
            dict({{"w", float_at(0)}, {"epoch", "K\3"}}));
    refused("entry 'epoch' of the state dict is no tensor",
            dict({{"model", dict({{"w", float_at(0)}, {"epoch", "K\3"}})}}));
    refused("entry 'args' of the state dict is no tensor, but of type 'argparse.Namespace'",
            dict({{"w", float_at(0)}, {"args", namespace_of_options}}));
}

TEST_CASE("a pickled module is named, with what to run") {
    const auto module = global("torchvision.models.resnet", "ResNet") + ")\x81" +
                        dict({{"_parameters", weights(0)}}) + "b";
    refused(
        "holds no state dict but an object of class 'torchvision.models.resnet.ResNet'; save it "
        "once in Python: torch.save(torch.load(OLD, weights_only=False).state_dict(), NEW)",
        module);
    const char* under_a_key = "torch.load(OLD, weights_only=False)['model'].state_dict(), NEW)";
    refused(under_a_key, dict({{"epoch", "K\1"}, {"model", module}}));
    refused(under_a_key, dict({{"model", module}, {"ema", weights(0)}}), "model");
    const auto old = tuple(strings{text("module"), global("nets", "Net"), text("net.py"),
                                   text("class Net: pass")}) +
                     "Q)\x81}b";
    refused("object of class 'nets.Net'", old);
}
