// SPDX-License-Identifier: MIT
// Good weight files: every float type and both formats give the forward of the values they hold.
// isa: native
// ranks: 1 2 3
#include "models/faults.hpp"

#include "io/torch_bytes.hpp"

#include <cmath>
#include <functional>
#include <thread>

using namespace mpar;
using namespace faults;

namespace {

template <class T>
std::string bytes_of(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), sizeof(T) * values.size()};
}

std::vector<float> values_of(const stored& tensor) {
    std::vector<float> values(std::size_t(tensor.count()));
    std::memcpy(values.data(), tensor.bytes.data(), 4 * values.size());
    return values;
}

/// The half below |x|, for normal numbers; the rest becomes zero.
std::uint16_t half_of(float x) {
    int exponent = 0;
    const float fraction = std::frexp(std::abs(x), &exponent);  // [1/2, 1)
    if (x == 0 || exponent < -13) return 0;
    const int bits = (exponent + 14) << 10 | int((2 * fraction - 1) * 1024);
    return std::uint16_t(bits | (x < 0 ? 0x8000 : 0));
}
float value_of_half(std::uint16_t half) {
    if (half == 0) return 0;
    const float magnitude = std::ldexp(1.0f + float(half & 1023) / 1024, (half >> 10 & 31) - 15);
    return half & 0x8000 ? -magnitude : magnitude;
}
std::uint16_t bf16_of(float x) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &x, 4);
    return std::uint16_t(bits >> 16);
}
float value_of_bf16(std::uint16_t half) {
    const std::uint32_t bits = std::uint32_t(half) << 16;
    float x = 0;
    std::memcpy(&x, &bits, 4);
    return x;
}

/// The weights in 16 bits, and the floats that those are.
struct in_halves {
    state weights = seeded_state(), as_floats = seeded_state();

    in_halves(const std::string& type, std::uint16_t (*half)(float),
              float (*value)(std::uint16_t)) {
        for (std::size_t i = 0; i < weights.size(); ++i) {
            std::vector<std::uint16_t> halves;
            std::vector<float> exact;
            for (const float x : values_of(weights[i])) {
                halves.push_back(half(x));
                exact.push_back(value(halves.back()));
            }
            weights[i].type = type;
            weights[i].bytes = bytes_of(halves);
            as_floats[i].bytes = floats(exact);
        }
    }
};

/// What one rank makes of those floats, given by a reader and not by a file.
std::vector<float> forward_of(const state& weights) {
    tiny_network net(MPI_COMM_SELF);
    net.load([&](int index, range rows, float* out) {
        const auto values = values_of(weights[std::size_t(index)]);
        const long row = long(values.size()) / weights[std::size_t(index)].shape[0];
        std::copy(values.begin() + row * rows.lo, values.begin() + row * rows.hi, out);
    });
    return net.forward(images());
}

/// All ranks load the file, under every policy.
void check_load(const std::string& path, const std::vector<float>& answer,
                const std::vector<std::string>& layers = tiny::layer_names()) {
    for (const auto asked :
         {std::optional<policy>{}, std::optional(policy::none), std::optional(policy::batch),
          std::optional(policy::rows), std::optional(policy::output)}) {
        INFO(path << ", policy " << (asked ? name_of(*asked) : "own"));
        tiny_network net(MPI_COMM_WORLD, {.asked = asked, .deadline = 20});
        load(net, path, layers);
        CHECK(net.forward(images()) == answer);
        CHECK(net.measured() == net.predicted());
    }
}

/// The state dict of those tensors, whose elements are added to `runs`.
std::string dict_of(const state& all, std::vector<io_test::stored_run>& runs) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (const auto& tensor : all) {
        const std::string key = std::to_string(runs.size());
        io_test::integers shape(tensor.shape.begin(), tensor.shape.end()), strides(shape.size(), 1);
        for (std::size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
        entries.emplace_back(
            tensor.name, io_test::tensor(io_test::storage("FloatStorage", key, tensor.count()), 0,
                                         shape, strides));
        runs.push_back({key, tensor.bytes, tensor.count()});
    }
    return io_test::dict(entries);
}

std::string torch_file(const state& all,
                       std::string (*file)(const std::string&,
                                           const std::vector<io_test::stored_run>&)) {
    std::vector<io_test::stored_run> runs;
    const auto value = dict_of(all, runs);
    return file(value, runs);
}

/// What a training script saves.
std::string checkpoint_of(const state& model, const state& averaged) {
    std::vector<io_test::stored_run> runs;
    const auto first = dict_of(model, runs), second = dict_of(averaged, runs);
    return io_test::torch_zip(
        io_test::dict({{"epoch", "K\3"},
                       {"args", io_test::global("argparse", "Namespace") + ")\x81}b"},
                       {"model", first},
                       {"model_ema", second}}),
        runs);
}

}  // namespace

TEST_CASE("the right answer is no accident: it depends on every tensor") {
    const auto answer = right_answer();
    CHECK(forward_of(seeded_state()) == answer);
    for (std::size_t i = 0; i < seeded_state().size(); ++i) {
        state changed = seeded_state();
        auto values = values_of(changed[i]);
        for (float& x : values) x *= 1.5f;
        changed[i].bytes = floats(values);
        INFO(changed[i].name);
        CHECK(forward_of(changed) != answer);
    }
}

TEST_CASE("safetensors of F32 and F64 give the forward of the seeded weights") {
    const job_folder folder;
    check_load(folder.write("f32.safetensors", safetensors(seeded_state())), right_answer());
    state wide = seeded_state();
    for (auto& tensor : wide) {
        const auto values = values_of(tensor);
        tensor.type = "F64";
        tensor.bytes = bytes_of(std::vector<double>(values.begin(), values.end()));
    }
    check_load(folder.write("f64.safetensors", safetensors(wide)), right_answer());
}

TEST_CASE("safetensors of F16 and BF16 give the forward of the values that they hold") {
    const job_folder folder;
    const in_halves halves("F16", half_of, value_of_half), brain("BF16", bf16_of, value_of_bf16);
    const auto of_halves = forward_of(halves.as_floats), of_brain = forward_of(brain.as_floats);
    CHECK(of_halves != right_answer());
    CHECK(of_brain != of_halves);
    check_load(folder.write("f16.safetensors", safetensors(halves.weights)), of_halves);
    check_load(folder.write("bf16.safetensors", safetensors(brain.weights)), of_brain);
}

TEST_CASE("tensors of several types in one file") {
    const job_folder folder;
    const in_halves halves("F16", half_of, value_of_half), brain("BF16", bf16_of, value_of_bf16);
    state mixed = seeded_state(), exact = seeded_state();
    for (std::size_t i = 0; i < mixed.size(); i += 3) {
        mixed[i] = halves.weights[i], exact[i] = halves.as_floats[i];
        if (i + 1 == mixed.size()) break;
        mixed[i + 1] = brain.weights[i + 1], exact[i + 1] = brain.as_floats[i + 1];
    }
    check_load(folder.write("mixed.safetensors", safetensors(mixed)), forward_of(exact));
}

TEST_CASE("the files of torch.save, in both formats") {
    const job_folder folder;
    check_load(folder.write("zip.pth", torch_file(seeded_state(), io_test::torch_zip)),
               right_answer());
    check_load(folder.write("stream.pth", torch_file(seeded_state(), io_test::torch_stream)),
               right_answer());
}

TEST_CASE("order and alignment in the file do not matter, num_batches_tracked is ignored") {
    const job_folder folder;
    state all = seeded_state();
    std::reverse(all.begin(), all.end());
    for (const char* name : {"first.norm.num_batches_tracked", "stem.norm.num_batches_tracked",
                             "num_batches_tracked"}) {
        all.insert(all.begin() + 3, {name, "I64", {}, std::string(8, '\7')});
    }
    all.insert(all.begin(), {"odd.num_batches_tracked", "U8", {3}, "abc"});
    check_load(folder.write("reversed.safetensors", safetensors(all)), right_answer());
}

TEST_CASE("a prefix that all names have is taken off, however often") {
    const job_folder folder;
    for (const std::string prefix : {"module.", "module._orig_mod.", "backbone."}) {
        state all = seeded_state();
        all.push_back({"stem.norm.num_batches_tracked", "I64", {}, std::string(8, '\7')});
        for (auto& tensor : all) tensor.name = prefix + tensor.name;
        check_load(folder.write("prefix.safetensors", safetensors(all)), right_answer());
    }
    state all = seeded_state({});
    for (auto& tensor : all) tensor.name = "0." + tensor.name;
    check_load(folder.write("positions.safetensors", safetensors(all)), right_answer(), {});
}

TEST_CASE("one of a checkpoint's state dicts, and what the cache keeps of each") {
    const job_folder folder;
    state other = seeded_state();
    for (auto& tensor : other) tensor.bytes = floats(std::vector<float>(tensor.count(), 0.5f));
    const io::weight_source plain(folder.write("train.pth", checkpoint_of(seeded_state(), other)));
    const io::weight_source averaged(plain.path, "model_ema");
    const auto of_other = forward_of(other);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));  // a file at rest can be cached
    MPI_Barrier(MPI_COMM_WORLD);
    const cache_in cache{folder.make_folder("cache")};
    for (const bool again : {false, true}) {
        tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
        const auto first = load(net, plain, cache);
        CHECK(first.not_kept == "");
        CHECK(first.from_cache == again);
        CHECK(net.forward(images()) == right_answer());
        CHECK(load(net, averaged, cache).from_cache == again);
        CHECK(net.forward(images()) == of_other);
    }
    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    refused_by_all("ema", fault::model,
                   "has no state dict under the key 'ema'; there are: 'model', 'model_ema'", [&] {
                       load(net, {plain.path, "ema"});
                   });
}

TEST_CASE("layers without names are called by their positions") {
    const job_folder folder;
    const state all = seeded_state({});
    CHECK(all.front().name == "0.weight");
    CHECK(all[4].name == "1.weight");
    CHECK(all.back().name == "6.bias");
    check_load(folder.write("positions.safetensors", safetensors(all)), right_answer(), {});
}

TEST_CASE("the net's own names, a static mesh, double precision, a second load") {
    const job_folder folder;
    const auto path = folder.write("f32.safetensors", safetensors(seeded_state()));
    state other = seeded_state();
    for (auto& tensor : other) tensor.bytes = floats(std::vector<float>(tensor.count(), 0.5f));
    const auto halves = folder.write("half.safetensors", safetensors(other));

    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    load(net, path);
    CHECK(net.forward(images()) == right_answer());
    load(net, halves);
    CHECK(net.forward(images()) == forward_of(other));
    load(net, path);
    CHECK(net.forward(images()) == right_answer());

    network<tiny, mesh<>, backend::cpu, double> exact(MPI_COMM_WORLD, {.deadline = 20});
    load(exact, path);
    const auto x = images();
    const auto y = exact.forward(std::vector<double>(x.begin(), x.end()));
    for (std::size_t i = 0; i < y.size(); ++i)
        CHECK(double(right_answer()[i]) == Approx(y[i]).epsilon(1e-4).margin(1e-4));

    if (ranks_of() != 2) return;
    network<tiny, mesh<axis::model<2>>> fixed(MPI_COMM_WORLD, {.deadline = 20});
    load(fixed, path);
    CHECK(fixed.forward(images()) == right_answer());
}
