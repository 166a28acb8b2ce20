// SPDX-License-Identifier: MIT
// What only one rank meets, each in turn: files that are bad there, other weights, other options.
// Every rank throws the same sentence, which says where.
// isa: native
// ranks: 1 2 3
#include "models/faults.hpp"

#include <limits>

using namespace mpar;
using namespace faults;

namespace {

/// Good weights with one bit of a tensor flipped, counted from its end when negative.
std::string flipped(const std::string& tensor, long byte, int bit) {
    state all = seeded_state();
    auto& bytes = called(all, tensor).bytes;
    char& c = bytes[std::size_t(byte < 0 ? long(bytes.size()) + byte : byte)];
    c = char(c ^ (1 << bit));
    return safetensors(all);
}

/// A working directory of its own for each rank, so that one path names another file on each.
class own_folder {
public:
    explicit own_folder(const job_folder& shared) : before_(std::filesystem::current_path()) {
        for (int r = 0; r < ranks_of(); ++r) shared.make_folder(std::to_string(r));
        std::filesystem::current_path(shared.path(std::to_string(rank_of())));
    }
    own_folder(const own_folder&) = delete;
    ~own_folder() { std::filesystem::current_path(before_); }

    void write(const std::string& bytes) const {
        std::filesystem::remove("weights.safetensors");
        std::ofstream("weights.safetensors", std::ios::binary) << bytes;
    }

private:
    std::filesystem::path before_;
};

struct bad_file {
    std::string name;
    fault kind;
    std::string words, bytes;
};

std::vector<bad_file> bad_files() {
    const std::string good = safetensors(seeded_state());
    state shorter = seeded_state(), nan = seeded_state(), wide = seeded_state();
    shorter.erase(shorter.begin() + 4);
    const float value = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(called(nan, "head.bias").bytes.data() + 12, &value, 4);
    called(wide, "head.bias").type = "I32";
    return {{"missing", fault::model, "cannot be opened", ""},
            {"empty", fault::model, "is empty", ""},
            {"cut off", fault::model, "but the data ends at", good.substr(0, good.size() - 100)},
            {"of another net", fault::model, "is missing", framed("{}", "")},
            {"a tensor less", fault::model, "'stem.conv.weight' is missing", safetensors(shorter)},
            {"NaN", fault::numbers, "'head.bias' has NaN at element 3", safetensors(nan)},
            {"integers", fault::model, "'head.bias' is I32", safetensors(wide)}};
}

}  // namespace

TEST_CASE("a file that is bad on one rank only") {
    const job_folder folder;
    const auto good = folder.write("good.safetensors", safetensors(seeded_state()));
    for (const auto& bad : bad_files()) {
        const auto path = bad.name == "missing" ? folder.path("none")
                                                : folder.write("bad.safetensors", bad.bytes);
        for (int who = 0; who < ranks_of(); ++who) {
            const std::string name = bad.name + " on rank " + std::to_string(who);
            const auto mine = rank_of() == who ? path : good;
            refuses(name, bad.kind, alone(who), mine, good);
            refuses(name, bad.kind, bad.words, mine, good);
        }
    }
}

TEST_CASE("two ranks meet different errors: the lower one's is thrown") {
    if (ranks_of() < 2) return;
    const job_folder folder;
    const auto good = folder.write("good.safetensors", safetensors(seeded_state()));
    const auto empty = folder.write("empty.safetensors", "");
    for (int low = 0; low + 1 < ranks_of(); ++low) {
        const auto mine = rank_of() == low       ? folder.path("none")
                          : rank_of() == low + 1 ? empty
                                                 : good;
        const std::string where = ranks_of() > 2 ? alone(low) : "mpar: ";
        refuses("low", fault::model, where, mine, good);
        refuses("low", fault::model, "cannot be opened", mine, good);
    }
}

TEST_CASE("one flipped bit on one rank") {
    if (ranks_of() < 2) return;
    const job_folder folder;
    const auto good = folder.write("good.safetensors", safetensors(seeded_state()));
    const own_folder mine(folder);
    struct flip {
        const char* tensor;
        long byte;
        int bit;
    };
    for (const auto& f : {flip{"first.norm.weight", 0, 0}, flip{"first.norm.running_mean", -1, 7},
                          flip{"stem.conv.weight", 501, 3}, flip{"head.weight", 2800, 1},
                          flip{"head.bias", -1, 7}}) {
        for (int who = 0; who < ranks_of(); ++who) {
            mine.write(rank_of() == who ? flipped(f.tensor, f.byte, f.bit)
                                        : safetensors(seeded_state()));
            refuses(f.tensor, fault::model, "the ranks have read different weights",
                    "weights.safetensors", good);
        }
    }
}

TEST_CASE("the same bytes as another type on one rank") {
    if (ranks_of() < 2) return;
    const job_folder folder;
    const auto good = folder.write("good.safetensors", safetensors(seeded_state()));
    const own_folder mine(folder);
    state halves = seeded_state();
    auto& bias = called(halves, "head.bias");
    bias.bytes.assign(std::size_t(2 * bias.count()), '\x3c');  // 1.0 in both, nearly
    bias.type = rank_of() == 1 ? "BF16" : "F16";
    mine.write(safetensors(halves));
    refuses("F16 and BF16", fault::model, "the ranks have read different weights",
            "weights.safetensors", good);
}

TEST_CASE("other weights under another path on one rank") {
    if (ranks_of() < 2) return;
    const job_folder folder;
    const auto good = folder.write("good.safetensors", safetensors(seeded_state()));
    const auto other = folder.write("other.safetensors", flipped("head.bias", 0, 0));
    refuses("another path", fault::model, "the ranks have read different weights",
            rank_of() == ranks_of() - 1 ? other : good, good);
}

TEST_CASE("a reader that fails on one rank") {
    for (int who = 0; who < ranks_of(); ++who) {
        // each rank reads all: in a team a rank may have nothing to read
        tiny_network net(MPI_COMM_WORLD, {.deadline = 20, .team = teaming::off});
        const auto seeded = seeded_reader<float>(net.steps(), {});
        refused_by_all("mpar's", fault::input, alone(who) + "no more", [&] {
            net.load([&](int index, range rows, float* out) {
                seeded(index, rows, out);
                if (rank_of() == who) throw error(fault::input, "mpar: no more");
            });
        });
        refused_by_all("std's", fault::internal, "out of words", [&] {
            net.load([&](int index, range rows, float* out) {
                seeded(index, rows, out);
                if (rank_of() == who) throw std::runtime_error("out of words");
            });
        });
        refused_by_all("memory", fault::device, alone(who) + "memory", [&] {
            net.load([&](int index, range rows, float* out) {
                seeded(index, rows, out);
                if (rank_of() == who) throw std::bad_alloc();
            });
        });
        refused_by_all("then forward", fault::usage, "no weights yet",
                       [&] { net.forward(images()); });
        load_seeded(net);
        CHECK(net.forward(images()) == right_answer());
    }
}

TEST_CASE("options that differ on one rank") {
    if (ranks_of() < 2) return;
    const std::string words = "the ranks were given different options";
    for (int who = 0; who < ranks_of(); ++who) {
        const bool me = rank_of() == who;
        const auto refused = [&](const std::string& name, const options& o) {
            refused_by_all(name, fault::usage, words, [&] { tiny_network net(MPI_COMM_WORLD, o); });
        };
        refused("batch", {.batch = me ? 3 : 2, .deadline = 20});
        refused("batch 0 on one", {.batch = me ? 0 : 2, .deadline = 20});
        refused("batch below 0 on one", {.batch = me ? -1 : 1, .deadline = 20});
        refused("batches that differ by 2^24", {.batch = me ? (1 << 24) + 1 : 1, .deadline = 20});
        refused("a policy on one",
                {.asked = me ? std::optional(policy::rows) : std::nullopt, .deadline = 20});
        refused("policies", {.asked = me ? policy::rows : policy::output, .deadline = 20});
        refused("numerics", {.deadline = 20, .exact = me});
        refused("teams", {.deadline = 20, .team = me ? teaming::off : teaming::claim});
        refused("team sizes", {.deadline = 20, .team_size = me ? 2 : 1});
        refused_by_all("no deadline on one", fault::usage,
                       alone(who) + "a deadline is more than 0 seconds",
                       [&] { tiny_network net(MPI_COMM_WORLD, {.deadline = me ? 0.0 : 5.0}); });
        refused("none or their own",
                {.asked = me ? std::optional(policy::none) : std::nullopt, .deadline = 20});
    }
}
