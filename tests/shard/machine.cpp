// SPDX-License-Identifier: MIT
// A machine's constants: what work and messages cost, and what a broken file says.
#include "io/files.hpp"
#include "support/catch.hpp"

#include <mpar/shard/cost.hpp>
#include <mpar/shard/machine_file.hpp>

using namespace mpar;

TEST_CASE("the seconds of work and of an exchange") {
    machine m;
    m.step = 5;
    m.of(work::dense) = {1, 10, 100};
    CHECK(seconds_of(workload{work::dense, 1, 2, 3}, m) == 5 + 1 + 20 + 300);
    CHECK(seconds_of(workload{}, m) == 0);
    CHECK(
        seconds_of(
            traffic{
                .bytes_received = 30, .messages_received = 2, .bytes_sent = 50, .messages_sent = 1},
            {10, 2}) == 20 + 100);
    m.ranks_per_node = 4;
    CHECK(m.between(4) == m.node);
    CHECK(m.between(5) == m.network);
    m.ranks_per_node = 0;
    CHECK(m.between(1024) == m.node);
}

namespace {

/// The text of a good file with the first `what` in it replaced.
std::string broken(const std::string& what, const std::string& by) {
    std::string text = to_json(machine{});
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("constants come back from their file as they were") {
    const io_test::folder folder;
    machine m;
    m.of(work::winograd).tensor = 1.0 / 3;
    m.network.beta = 0;
    m.ranks_per_node = 48;
    write_machine(folder.path("machine"), m);
    CHECK(read_machine(folder.path("machine")) == m);
    CHECK(folder.files() == 1);
}

TEST_CASE("a broken machine file is one sentence") {
    const io_test::folder folder;
    const auto refused = [&](const std::string& text, const std::string& words) {
        const std::string path = folder.write("machine", text);
        io_test::expect_refusal(fault::usage, words, [&] { read_machine(path); });
    };
    refused("", "is no machine file: mpar calibrate writes one");
    refused("[1, 2", "is no machine file");
    refused("{}", "is no machine file");
    refused(broken("\"mpar_machine\": 1", "\"mpar_machine\": 2"), "of another version than 1");
    refused(broken("\"step\"", "\"stop\""), "has no step");
    refused(broken("\"dense\"", "\"dance\""), "has no work.dense.flop");
    refused(broken("\"node\": {", "\"node\": 7, \"n\": {"), "has no node.alpha");
    refused(broken("\"step\": ", "\"step\": -"), "step is no number of seconds from 0 to 1");
    refused(broken("\"step\": ", "\"step\": 2, \"was\": "), "step is no number of seconds");
    refused(broken("\"step\": ", "\"step\": \"x\", \"s\": "), "step is no number of seconds");
    refused(broken("\"step\": ", "\"extra\": 1, \"step\": "), "constants that mpar does not know");
    refused(broken("\"ranks_per_node\": 0", "\"ranks_per_node\": 0.5"), "is no number of ranks");
    refused(broken("\"ranks_per_node\": 0", "\"ranks_per_node\": -1"), "is no number of ranks");
    refused(std::string(100'000, ' '), "more than 65536");
    io_test::expect_refusal(fault::usage, "cannot be opened",
                            [&] { read_machine(folder.path("none")); });
    io_test::expect_refusal(fault::input, "cannot be written",
                            [&] { write_machine(folder.path("no/folder"), machine{}); });
}

TEST_CASE("damaged machine files are read or refused") {
    const io_test::folder folder;
    const int refused = io_test::survive(to_json(machine{}), 500, 1, [&](const std::string& text) {
        read_machine(folder.write("machine", text));
    });
    CHECK(refused > 300);
}
