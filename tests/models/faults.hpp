// SPDX-License-Identifier: MIT
// What the tests of bad weights share: a small net, its weights as bytes, a folder of the job, and
// the check that all ranks throw the same error. Knows no bad case.
#pragma once

#include "support/catch.hpp"

#include <mpar/models/load.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

namespace faults {

inline int rank_of(MPI_Comm comm = MPI_COMM_WORLD) {
    int rank = 0;
    MPI_Comm_rank(comm, &rank);
    return rank;
}
inline int ranks_of(MPI_Comm comm = MPI_COMM_WORLD) {
    int ranks = 0;
    MPI_Comm_size(comm, &ranks);
    return ranks;
}

/// A net of every kind of parameter; a norm that stands alone and one that is folded.
struct tiny {
    using input = mpar::image<3, 9, 7>;
    using layers =
        mpar::chain<mpar::batch_norm<3>, mpar::conv2d<3, 12, mpar::window<3>, mpar::shard::rows>,
                    mpar::batch_norm<12>, mpar::relu,
                    mpar::conv2d<12, 20, mpar::window<3, 2>, mpar::with_bias, mpar::shard::output>,
                    mpar::global_avg_pool, mpar::dense<20, 70, mpar::shard::output>>;
    static std::vector<std::string> layer_names() {
        return {"first.norm", "stem.conv", "stem.norm", "mid.conv", "head"};
    }
};
using tiny_network = mpar::network<tiny>;

/// A tensor as a file holds it.
struct stored {
    std::string name, type;
    std::vector<long> shape;
    std::string bytes;

    long count() const {
        long product = 1;
        for (const long extent : shape) product *= extent;
        return product;
    }
};
using state = std::vector<stored>;

inline std::string floats(const std::vector<float>& values) {
    return {reinterpret_cast<const char*>(values.data()), 4 * values.size()};
}

/// The values of tiny's parameters that load_seeded gives, as F32. `layers`: their names.
inline state seeded_state(const std::vector<std::string>& layers = tiny::layer_names()) {
    const auto& plan = mpar::plan_of<tiny>;
    const auto names = mpar::parameter_names(plan, layers);
    const auto read = mpar::seeded_reader<float>(plan, tiny::layer_names());
    state all;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto& p = plan.parameters[i];
        std::vector<float> values(std::size_t(p.count()));
        read(int(i), {0, p.extents[0]}, values.data());
        all.push_back(
            {names[i], "F32", {p.extents.begin(), p.extents.begin() + p.rank}, floats(values)});
    }
    return all;
}

/// The tensor of that name. requires: there is one.
inline stored& called(state& all, const std::string& name) {
    for (auto& tensor : all) {
        if (tensor.name == name) return tensor;
    }
    throw std::logic_error("no tensor " + name);
}

/// A safetensors file with that text for its header.
inline std::string framed(const std::string& header, const std::string& data) {
    const std::uint64_t length = header.size();
    std::string file(8, '\0');
    std::memcpy(file.data(), &length, 8);
    return file + header + data;
}

inline std::string safetensors(const state& all) {
    std::string header = "{", data;
    for (const auto& tensor : all) {
        std::string shape;
        for (const long extent : tensor.shape)
            shape += (shape.empty() ? "" : ",") + std::to_string(extent);
        const std::size_t end = data.size() + tensor.bytes.size();
        header += (header.size() > 1 ? ",\"" : "\"") + tensor.name + "\":{\"dtype\":\"" +
                  tensor.type + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
                  std::to_string(data.size()) + "," + std::to_string(end) + "]}";
        data += tensor.bytes;
    }
    return framed(header + "}", data);
}

/// A folder that all ranks see and that goes away with the test; rank 0 writes. collective.
class job_folder {
public:
    job_folder() {
        char path[512] = {};
        if (rank_of() == 0) {
            const auto pattern =
                (std::filesystem::temp_directory_path() / "mpar_faults.XXXXXX").string();
            pattern.copy(path, sizeof path - 1);
            if (!::mkdtemp(path)) path[0] = '\0';
        }
        MPI_Bcast(path, sizeof path, MPI_CHAR, 0, MPI_COMM_WORLD);
        REQUIRE(path[0] == '/');
        path_ = path;
    }
    job_folder(const job_folder&) = delete;
    job_folder& operator=(const job_folder&) = delete;
    ~job_folder() {
        MPI_Barrier(MPI_COMM_WORLD);
        std::error_code ignored;
        if (rank_of() == 0) std::filesystem::remove_all(path_, ignored);
    }

    std::string path(const std::string& name) const { return path_ + "/" + name; }

    /// The path of that file, there for all when this returns. collective.
    std::string write(const std::string& name, const std::string& bytes) const {
        if (rank_of() == 0) {
            std::error_code ignored;
            std::filesystem::remove(path(name), ignored);
            std::ofstream(path(name), std::ios::binary) << bytes;
        }
        MPI_Barrier(MPI_COMM_WORLD);
        return path(name);
    }
    std::string make_folder(const std::string& name) const {
        if (rank_of() == 0) std::filesystem::create_directory(path(name));
        MPI_Barrier(MPI_COMM_WORLD);
        return path(name);
    }

private:
    std::string path_;
};

/// How a call ended on one rank.
struct ending {
    int kind = 0;  ///< 0: it returned; -1: it threw something else
    double seconds = 0;
    char sentence[600] = {};
};

template <class Call>
ending ending_of(Call call) {
    ending mine;
    const auto began = std::chrono::steady_clock::now();
    try {
        call();
    } catch (const mpar::error& e) {
        mine.kind = int(e.kind());
        std::strncpy(mine.sentence, e.what(), sizeof mine.sentence - 1);
    } catch (const std::exception& e) {
        mine.kind = -1;
        std::strncpy(mine.sentence, e.what(), sizeof mine.sentence - 1);
    }
    mine.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return mine;
}

/// The call must throw on every rank, before the deadline of 20 s at which ranks leave each other, an error of that
/// kind with the same sentence everywhere: one printable line of at most 350 bytes that begins with our name and has those
/// words. collective.
template <class Call>
void refused_by_all(const std::string& name, mpar::fault kind, const std::string& words,
                    Call call) {
    MPI_Barrier(MPI_COMM_WORLD);
    const ending mine = ending_of(call);
    std::vector<ending> all(static_cast<std::size_t>(ranks_of()));
    MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all.data(), sizeof mine, MPI_BYTE, MPI_COMM_WORLD);
    const std::string sentence = all[0].sentence;
    INFO(name << ": " << mine.sentence);
    for (std::size_t r = 0; r < all.size(); ++r) {
        INFO("rank " << r << ": " << all[r].sentence);
        CHECK(all[r].kind == int(kind));
        CHECK(all[r].sentence == sentence);
        CHECK(all[r].seconds < 20);
    }
    CHECK(sentence.starts_with("mpar: "));
    CHECK_THAT(sentence, Catch::Matchers::ContainsSubstring(words));
    CHECK(sentence.size() <= 350);
    bool printable = true;
    for (const char c : sentence) printable = printable && c >= ' ' && c <= '~';
    CHECK(printable);
}

/// What rank `who` alone is told; the sentence of an error that only it meets names it.
inline std::string alone(int who) {
    return ranks_of() > 1 ? "rank " + std::to_string(who) + ": " : "mpar: ";
}

/// The images, and what the right weights make of them.
inline std::vector<float> images() {
    const std::int64_t extents[] = {1, 3, 9, 7};
    return mpar::io::seeded_values<float>("input", extents);
}
inline const std::vector<float>& right_answer() {
    static const std::vector<float> answer = [] {
        tiny_network net(MPI_COMM_SELF);
        load_seeded(net);
        return net.forward(images());
    }();
    return answer;
}

/// Weights that all ranks must refuse; then the net has none, and takes good ones. collective.
inline void refuses(const std::string& name, mpar::fault kind, const std::string& words,
                    const std::string& bad, const std::string& good) {
    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    refused_by_all(name, kind, words, [&] { load(net, bad); });
    refused_by_all(name + ", then forward", mpar::fault::usage, "no weights yet",
                   [&] { net.forward(images()); });
    INFO(name << ", then good weights");
    load(net, good);
    CHECK(net.forward(images()) == right_answer());
}

}  // namespace faults
