// SPDX-License-Identifier: MIT
// Tests of io/weights/pickle.hpp: what is read as data, and everything else that must be refused by name.
#include <mpar/io/weights/pickle.hpp>

#include "io/torch_bytes.hpp"

#include <array>
#include <chrono>

using namespace mpar;
using namespace io_test;

namespace {

using kind = io::pickle_value::kind;
using object = io::pickle_object::kind;

constexpr std::array<io::pickle_global, 2> globals{{{"torch", "one"}, {"torch", "two"}}};
const io::refusal refuse(fault::model, "w.pth");

io::pickle parse(const std::string& bytes) {
    return io::read_pickle(std::as_bytes(std::span(bytes)), 0, globals, refuse);
}

struct bad_pickle {
    const char* words;
    std::string bytes;
};

}  // namespace

TEST_CASE("small values are read whole") {
    for (const auto& [bytes, number] : std::vector<std::pair<std::string, std::int64_t>>{
             {std::string("K\x00", 2), 0},
             {"K\xff", 255},
             {"M\xff\xff", 65535},
             {"J\xff\xff\xff\xff", -1},
             {std::string("\x8a\x00", 2), 0},
             {"\x8a\x01\x80", -128},
             {std::string("\x8a\x02\x80\x00", 4), 128},
             {integer(-1'000'000'000'000), -1'000'000'000'000},
             {integer(INT64_MIN), INT64_MIN},
         }) {
        const auto all = pickled(bytes);
        const auto read = parse(all);
        CHECK(read.top.which == kind::integer);
        CHECK(read.top.number == number);
        CHECK(read.end == all.size());
    }
    CHECK(parse(pickled(none)).top.which == kind::none);
    CHECK(parse(pickled(yes)).top.number == 1);
    CHECK(parse(pickled(no)).top.which == kind::boolean);
    CHECK(parse(pickled("G12345678")).top.which == kind::real);
    const auto name = pickled(text("conv1"));
    CHECK(parse(name).top.is_text("conv1"));
    const auto old = pickled("U\5conv1");
    CHECK(parse(old).top.is_text("conv1"));
}

TEST_CASE("containers keep their items in order") {
    const auto all = pickled("K\1" + list({"K\2", "K\3"}) + "K\4\x87");
    const auto read = parse(all);
    const auto* tuple = read.as(object::tuple, read.top);
    REQUIRE(tuple);
    REQUIRE(tuple->items.size() == 3);
    CHECK(tuple->items[0].number == 1);
    CHECK(tuple->items[2].number == 4);
    const auto* inner = read.as(object::list, tuple->items[1]);
    REQUIRE(inner);
    CHECK(inner->items.size() == 2);
    CHECK(inner->items[1].number == 3);
    CHECK(!read.as(object::list, read.top));
    CHECK(!read.as(object::list, tuple->items[0]));
}

TEST_CASE("dicts are the same however they are made") {
    for (const auto& bytes : {
             dict({{"a", "K\1"}, {"b", "K\2"}}),
             "}" + text("a") + "K\1s" + text("b") + "K\2s",
             global("collections", "OrderedDict") +
                 tuple(strings{list({list({text("a"), "K\1"}), list({text("b"), "K\2"})})}) + "R",
             dict({{"a", "K\1"}, {"b", "K\2"}}) + "}" + text("_metadata") + "}sb",
         }) {
        const auto all = pickled(bytes);
        const auto read = parse(all);
        const auto* found = read.as(object::dict, read.top);
        REQUIRE(found);
        REQUIRE(found->items.size() == 4);
        CHECK(found->items[0].is_text("a"));
        CHECK(found->items[3].number == 2);
    }
}

TEST_CASE("a value is remembered, and recalled as the same value") {
    const auto all = pickled("]q\1r" + le(258, 4) + "h\1j" + le(258, 4) + "K\7a\x87");
    const auto read = parse(all);
    const auto* tuple = read.as(object::tuple, read.top);
    REQUIRE(tuple);
    CHECK(tuple->items[0].number == tuple->items[2].number);
    CHECK(read.as(object::list, tuple->items[0])->items.size() == 1);
}

TEST_CASE("protocol 4 says the same in other opcodes") {
    const std::string body =
        "]\x94(" + brief("conv1") + "\x94" + stacked_global("collections", "OrderedDict") +
        "\x94)R\x94" + stacked_global("torch", "two") + "\x94K\5\x85R" + std::string("h\1h\0e", 5);
    const auto all = "\x80\x04\x95" + le<std::uint64_t>(body.size() + 1) + body + ".";
    const auto read = parse(all);
    const auto* list = read.as(object::list, read.top);
    REQUIRE(list);
    REQUIRE(list->items.size() == 5);
    CHECK(list->items[0].is_text("conv1"));
    CHECK(read.as(object::dict, list->items[1]));
    REQUIRE(read.as(object::call, list->items[2]));
    CHECK(read.as(object::call, list->items[2])->callee == 1);
    CHECK(list->items[3].is_text("conv1"));           // remembered second
    CHECK(list->items[4].number == read.top.number);  // and first
    const auto wide = pickled("\x8d" + le<std::uint64_t>(5) + "conv1");
    CHECK(parse(wide).top.is_text("conv1"));
}

TEST_CASE("a call is kept as what it names") {
    const auto all = pickled(global("torch", "two") + "K\5\x85R");
    const auto read = parse(all);
    const auto* call = read.as(object::call, read.top);
    REQUIRE(call);
    CHECK(call->callee == 1);
    CHECK(call->items.front().number == 5);
    const auto id = pickled("K\5Q");
    const auto other = parse(id);
    REQUIRE(other.as(object::persistent, other.top));
}

TEST_CASE("what is not known stays opaque, and nothing is made of it") {
    const auto net = global("nets", "Net");
    for (const auto& [name, bytes] : std::vector<std::pair<std::string, std::string>>{
             {"os.system", global("os", "system") + text("rm -r /") + "\x85R"},
             {"os.system", global("os", "system")},
             {"builtins.eval", global("builtins", "eval") + text("1") + "\x85R)R"},
             {"torch.three", global("torch", "three")},
             {"torch.one.", global("torch.one", "")},
             {"collections.OrderedDict.fromkeys", global("collections", "OrderedDict.fromkeys")},
             {"nets.Net", net + ")\x81}" + text("a") + "K\1sb"},  // an instance, its state
             {"nets.Net", net + ")\x81" + tuple(strings{none, none}) + "b"},
             {"nets.Net", net + ")R(K\1K\2u"},      // a dict's subclass
             {"nets.Net", net + ")R(K\1K\2eK\1a"},  // a list's
             {"nets.Net", tuple(strings{text("module"), net, none}) + "Q)\x81}b"},
             {"nets.Net", stacked_global("nets", "Net") + "\x94)\x81}" + text("a") + "K\1sb"},
             {"nets.Net", stacked_global("nets", "Net") + ")}\x92"},
             {"os.system", stacked_global("os", "system") + text("rm -r /") + "\x85R"},
             {"collections.OrderedDict.fromkeys",
              stacked_global("collections", "OrderedDict.fromkeys")},
             {"set", "\x8f\x94(K\1K\2\x90"},
             {"frozenset", "(K\1K\2\x91"},
             {"bytes", "C\3abc"},
             {"bytes", "B" + le<std::uint32_t>(3) + "abc"},
             {"bytes", "\x8e" + le<std::uint64_t>(3) + "abc"},
             {"bytearray", "\x96" + le<std::uint64_t>(3) + "abc"},
             {"int", "\x8a\x09" + std::string(9, '\1')},
             {"int", "\x8b" + le<std::uint32_t>(300) + std::string(300, '\1')},
         }) {
        INFO(name);
        const auto all = pickled(bytes);
        const auto read = parse(all);
        CHECK(read.top.which == kind::opaque);
        CHECK(read.top.class_name() == name);
    }
}

TEST_CASE("values may be dropped, one or down to the mark") {
    CHECK(parse(pickled("K\7N0")).top.number == 7);
    CHECK(parse(pickled("K\7(NN1")).top.number == 7);
    const auto old = pickled("T" + le<std::uint32_t>(5) + "conv1");
    CHECK(parse(old).top.is_text("conv1"));
}

TEST_CASE("opcodes that state dicts do not use are refused") {
    for (const bad_pickle& bad : std::vector<bad_pickle>{
             {"opcode 0x69", pickled("(" + text("true") + "ios\nsystem\n")},
             {"opcode 0x6f", pickled("(" + global("torch", "one") + "o")},
             {"opcode 0x82", pickled("\x82\x01")},
             {"opcode 0x97", pickled("\x97")},
             {"opcode 0x98", pickled("\x98")},
             {"opcode 0x49", pickled("I1\n")},
             {"opcode 0x32", pickled("N2")},
             {"opcode 0x00", pickled(std::string(1, '\0'))},
             {"opcode 0xff", pickled("\xff")},
             {"opcode 0x80", pickled("\x80\x02")},
         }) {
        expect_refusal(fault::model, bad.words, [&] { parse(bad.bytes); });
    }
}

TEST_CASE("stack, marks and memo are not misused") {
    for (const bad_pickle& bad : std::vector<bad_pickle>{
             {"does not begin with a protocol", ""},
             {"does not begin with a protocol", "N."},
             {"has protocol 6, expected 2 to 5", "\x80\x06N."},
             {"has protocol 1, expected 2 to 5", "\x80\x01N."},
             {"has protocol 0, expected 2 to 5", std::string("\x80\0N.", 4)},
             {"has a frame that ends after it", pickled("\x95" + le<std::uint64_t>(3) + "N")},
             {"the data ends", "\x80\x04\x95\1\1"},
             {"the data ends",
              "\x80\x04\x8c\x05"
              "abc."},
             {"the data ends", "\x80\x04\x8e" + le<std::uint64_t>(~0ull) + "abc."},
             {"the data ends", "\x80\x04\x8d" + le<std::uint64_t>(1ull << 40) + "abc."},
             {"adds to what is no set", pickled("](N\x90")},
             {"uses a mark that it has not set", pickled("\x8fN\x90")},
             {"uses a mark that it has not set", pickled("N\x91")},
             {"names a global by what is no text", pickled("NN\x93")},
             {"names a global by what is no text", pickled(text("os") + "K\1\x93")},
             {"takes a value from an empty stack", pickled(text("os") + "\x93")},
             {"remembers a value of an empty stack", pickled("\x94")},
             {"calls with what is no tuple", pickled(global("nets", "Net") + "N}\x92")},
             {"makes an instance of what is no class", pickled(global("torch", "one") + ")}\x92")},
             {"the data ends at byte 1", "\x80"},
             {"the data ends at byte 3 inside what begins at byte 3", "\x80\x02N"},
             {"the data ends", "\x80\x02J\1\1"},
             {"the data ends", "\x80\x02" + text("abc").substr(0, 7)},
             {"the data ends", "\x80\x02X\xff\xff\xff\xff."},
             {"the data ends",
              "\x80\x02"
              "ctorch\none"},
             {"the data ends", "\x80\x02\x8a\x04\1\1"},
             {"the data ends", "\x80\x02G1234"},
             {"more or less than one value (byte 2)", pickled("")},
             {"more or less than one value", pickled("NN")},
             {"more or less than one value", pickled("N(")},
             {"takes a value from an empty stack", pickled("\x85")},
             {"takes a value from an empty stack", pickled("N\x86")},
             {"takes a value from an empty stack", pickled("NN\x87")},
             {"takes a value from an empty stack", pickled("N(N\x86t")},
             {"takes a value from an empty stack", pickled("Q")},
             {"takes a value from an empty stack", pickled("a")},
             {"takes a value from an empty stack", pickled("R")},
             {"takes a value from an empty stack", pickled("b")},
             {"takes a value from an empty stack", pickled("](R")},
             {"uses a mark that it has not set", pickled("Nt")},
             {"uses a mark that it has not set", pickled("]e")},
             {"uses a mark that it has not set", pickled("}u")},
             {"nests deeper than 64 marks", pickled(std::string(65, '('))},
             {"appends to what is no list", pickled("Na")},
             {"appends to what is no list", pickled("NNa")},
             {"appends to what is no list", pickled(")Na")},
             {"appends to what is no list", pickled("}(Ne")},
             {"appends to what is no list", pickled("]((Ne")},
             {"sets an item of what is no dict", pickled("](NNu")},
             {"sets an item of what is no dict", pickled(")NNs")},
             {"sets a key without a value", pickled("}(NNNu")},
             {"calls with what is no tuple", pickled(global("torch", "one") + "]R")},
             {"calls with what is no tuple", pickled(global("torch", "one") + "NR")},
             {"calls what is no function", pickled("N)R")},
             {"calls what is no function", pickled(text("os.system") + ")R")},
             {"calls what is no function", pickled(ordered_dict + ")R")},
             {"makes an OrderedDict of no list",
              pickled(global("collections", "OrderedDict") + "N\x85R")},
             {"makes an OrderedDict of no list",
              pickled(global("collections", "OrderedDict") + "]]\x86R")},
             {"makes an OrderedDict of no pairs",
              pickled(global("collections", "OrderedDict") + list({none}) + "\x85R")},
             {"makes an OrderedDict of no pairs",
              pickled(global("collections", "OrderedDict") + list({list({none})}) + "\x85R")},
             {"sets attributes from what is no dict", pickled("}Nb")},
             {"sets attributes of what is no dict", pickled("N}b")},
             {"sets attributes of what is no dict", pickled(global("torch", "one") + ")R}b")},
             {"remembers a value of an empty stack", pickled("q\1")},
             {"remembers a value of an empty stack", pickled("N(q\1")},
             {"recalls value 1, which it has not remembered", pickled("h\1")},
             {"recalls value 4294967295", pickled("j\xff\xff\xff\xff")},
             {"recalls value 2", pickled("Nq\1h\2")},
             {"makes an instance of what is no class", pickled(global("torch", "one") + ")\x81")},
             {"makes an instance of what is no class", pickled("N)\x81")},
             {"calls with what is no tuple", pickled(global("os", "system") + "N\x81")},
             {"calls with what is no tuple", pickled(global("os", "system") + "NR")},
             {"sets a key without a value", pickled(global("os", "system") + "(Nu")},
             {"takes a value from an empty stack", pickled("0")},
             {"takes a value from an empty stack", pickled("N(0")},
             {"uses a mark that it has not set", pickled("N1")},
         }) {
        expect_refusal(fault::model, bad.words, [&] { parse(bad.bytes); });
    }
}

TEST_CASE("memory and time are bounded") {
    std::string objects = "]";
    for (int i = 0; i < 6'000'000; ++i) objects += ")a";
    const auto seconds_of = [](auto work) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    const double of_millions = seconds_of([&] {
        expect_refusal(fault::model, "more than 5000000 parts", [&] { parse(pickled(objects)); });
    });
    const double of_the_rest = seconds_of([&] {
        expect_refusal(fault::model, "stacks more than a million values",
                       [] { parse(pickled(std::string(2'000'000, 'N'))); });
        std::string doubling = "]q\1";  // each step would double what the last one held
        for (int i = 0; i < 1000; ++i) doubling += "(h\1h\1tq\1";
        doubling += std::string(1000, '\x86');
        CHECK(parse(pickled(doubling)).objects.size() == 2001);
        std::string calls = global("torch", "one") + "q\1(" + std::string(100'000, 'N') + "tq\2R";
        for (int i = 0; i < 1000; ++i) calls += "h\1h\2R";  // each would copy the arguments
        expect_refusal(fault::model, "more than 5000000 parts", [&] { parse(pickled(calls)); });
    });
    const double of_names = seconds_of([&] {  // each would keep a copy of a long name
        std::string names = text(std::string(1'000'000, 'a')) + "q\1";
        for (int i = 0; i < 100'000; ++i)
            names +=
                "h\1h\1\x93"
                "0";
        expect_refusal(fault::model, "more than 5000000 parts", [&] { parse(pickled(names)); });
    });
    CHECK(of_names < 20 * of_millions);
    CHECK(of_the_rest < 20 * of_millions);  // what doubles a thousand times would never end
}

TEST_CASE("a pickle may hold itself") {
    const auto all = pickled("]q\1h\1a");
    const auto read = parse(all);
    CHECK(read.as(object::list, read.top)->items.size() == 1);
}
