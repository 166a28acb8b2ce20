// SPDX-License-Identifier: MIT
// Described machines as files: what is written is read, what is broken is one sentence.
#include "support/catch.hpp"

#include <mpar/shard/cluster_file.hpp>

#include <unistd.h>
#include <filesystem>
#include <fstream>

using namespace mpar;

namespace {

/// A file that goes with the object.
class scratch {
public:
    explicit scratch(const std::string& text)
        : path_(std::filesystem::temp_directory_path() /
                ("mpar_cluster_" + std::to_string(getpid()) + ".json")) {
        std::ofstream(path_) << text;
    }
    ~scratch() { std::filesystem::remove(path_); }
    std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

cluster some() {
    cluster c;
    c.name = "two nodes";
    c.ranks_per_node = 8;
    c.nodes_per_group = 2;
    c.node = {1e-7, 2e-10, 3e-11};
    c.group = {1e-6, 2e-9, 3e-10};
    c.whole = {1e-5, 2e-8, 3e-9};
    c.overhead = 4e-7;
    c.copy = 5e-11;
    c.rank.of(work::dense).weight = 7e-11;
    return c;
}

/// The sentence about some() with a piece of its file in other words.
std::string sentence_about(const std::string& before, const std::string& after) {
    std::string text = to_json(some());
    const auto at = text.find(before);
    REQUIRE(at != std::string::npos);
    const scratch file(text.replace(at, before.size(), after));
    try {
        read_cluster(file.path());
    } catch (const error& e) {
        CHECK(e.kind() == fault::usage);
        const std::string words = e.what();
        CHECK(words.starts_with("mpar: "));
        CHECK(words.find('\n') == std::string::npos);
        return words.substr(words.find(".json") + 5);
    }
    return "read";
}

}  // namespace

TEST_CASE("a cluster is read as it was written") {
    const scratch file(to_json(some()));
    CHECK(read_cluster(file.path()) == some());
}

TEST_CASE("a broken file is one sentence") {
    CHECK(sentence_about("\"mpar_cluster\": 1", "\"mpar_cluster\": 1 ") == "read");
    CHECK(sentence_about("{", "[") == ": is no cluster file: docs/scaling.md shows one");
    CHECK(sentence_about("mpar_cluster", "mpar_machine") ==
          ": is no cluster file: docs/scaling.md shows one");
    CHECK(sentence_about("\"mpar_cluster\": 1", "\"mpar_cluster\": 2") ==
          ": is a cluster file of another version than 1");
    CHECK(sentence_about("\"copy\"", "\"cpoy\"") == ": has no copy");
    CHECK(sentence_about("\"alpha\": 1e-07", "\"alpha\": -1") ==
          ": node.alpha is no number of seconds from 0 to 1");
    CHECK(sentence_about("\"alpha\": 1e-07", "\"alpha\": \"1e-07\"") ==
          ": node.alpha is no number of seconds from 0 to 1");
    CHECK(sentence_about("\"name\": \"two nodes\"", "\"name\": 2") == ": name is no text");
    CHECK(sentence_about("\"ranks_per_node\": 8", "\"ranks_per_node\": 0") ==
          ": ranks_per_node is no number from 1 to 1000000");
    CHECK(sentence_about("\"nodes_per_group\": 2", "\"nodes_per_group\": 2.5") ==
          ": nodes_per_group is no number from 1 to 1000000");
    CHECK(sentence_about("\"nodes_per_group\": 2", "\"nodes_per_group\": 900000") ==
          ": has more than 1000000 ranks below a switch");
    CHECK(sentence_about("\"copy\"", "\"more\": 1, \"copy\"") ==
          ": has numbers that mpar does not know");
    CHECK_THROWS_AS(read_cluster("/nowhere/cluster.json"), error);
}

TEST_CASE("one machine of mpar calibrate is a cluster of one node") {
    machine m;
    const cluster c = cluster_of(m, 6);
    CHECK(c.ranks_per_node == 6);
    CHECK(c.between(0, 5) == cluster::node_hop);
    m.ranks_per_node = 2;
    CHECK(cluster_of(m, 6).between(1, 2) == cluster::group_hop);
    CHECK(2 * c.overhead + c.node.alpha == m.node.alpha);
}
