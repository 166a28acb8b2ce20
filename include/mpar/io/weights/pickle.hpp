// SPDX-License-Identifier: MIT
// Reads Python pickles as data: a closed list of opcodes, nothing imported, nothing called; what is
// not known stays opaque. Knows Python's containers; nothing of tensors.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/io/parse/cursor.hpp>
#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/weights/pickle_value.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mpar::io {

namespace detail {

/// Python's pickle machine without the part that runs code (pickletools documents the opcodes).
class unpickler {
public:
    unpickler(cursor& from, std::span<const pickle_global> globals, const refusal& refuse)
        : from_(from), globals_(globals), refuse_(refuse) {}

    pickle read() {
        if (from_.left() == 0 || from_.number<std::uint8_t>() != 0x80) {
            refuse("does not begin with a protocol");
        }
        const auto protocol = from_.number<std::uint8_t>();
        if (protocol < 2 || protocol > 5) {
            refuse("has protocol " + std::to_string(protocol) + ", expected 2 to 5");
        }
        for (;;) {
            at_ = from_.position();
            const auto opcode = from_.number<std::uint8_t>();
            if (opcode == '.') break;
            step(opcode);
        }
        if (stack_.size() != 1 || !marks_.empty()) refuse("ends with more or less than one value");
        result_.top = stack_.back();
        result_.end = from_.position();
        return std::move(result_);
    }

private:
    using value = pickle_value;
    using kind = pickle_value::kind;
    using object = pickle_object;

    // A state dict of 100,000 tensors takes some 4 million parts, of at most 64 bytes each.
    static constexpr std::size_t max_parts = 5'000'000;
    static constexpr std::size_t max_stack = 1'000'000;
    static constexpr std::size_t max_marks = 64;

    [[noreturn]] void refuse(const std::string& what) const {
        refuse_("the pickle " + what + " (byte " + std::to_string(at_) + ")");
    }

    [[gnu::cold]] void step(std::uint8_t opcode) {
        switch (opcode) {
            case 'N': return push({kind::none});
            case 0x88: return push({kind::boolean, 1});
            case 0x89: return push({kind::boolean, 0});
            case 'J': return push({kind::integer, from_.number<std::int32_t>()});
            case 'K': return push({kind::integer, from_.number<std::uint8_t>()});
            case 'M': return push({kind::integer, from_.number<std::uint16_t>()});
            case 0x8a: return push(long_integer(from_.number<std::uint8_t>()));
            case 0x8b: return push(long_integer(from_.number<std::uint32_t>()));
            case 'G': return push({kind::real, 0, from_.text(8)});
            case 'X': return push({kind::text, 0, from_.text(from_.number<std::uint32_t>())});
            case 'U': return push({kind::text, 0, from_.text(from_.number<std::uint8_t>())});
            case 'T': return push({kind::text, 0, from_.text(from_.number<std::uint32_t>())});
            case 0x8c: return push({kind::text, 0, from_.text(from_.number<std::uint8_t>())});
            case 0x8d: return push({kind::text, 0, from_.text(from_.number<std::uint64_t>())});
            case 'C': return skip(from_.number<std::uint8_t>(), "bytes");
            case 'B': return skip(from_.number<std::uint32_t>(), "bytes");
            case 0x8e: return skip(from_.number<std::uint64_t>(), "bytes");
            case 0x96: return skip(from_.number<std::uint64_t>(), "bytearray");
            case 'c': return global();
            case 0x93: return stacked_global();
            case 0x8f: return skip(0, "set");
            case 0x90: return add_to_set();
            case 0x91: return static_cast<void>(take(marked())), skip(0, "frozenset");
            case 0x95: return frame();
            case ')': return make(object::kind::tuple, 0);
            case ']': return make(object::kind::list, 0);
            case '}': return make(object::kind::dict, 0);
            case '(': return mark();
            case 't': return make(object::kind::tuple, marked());
            case 0x85: return make(object::kind::tuple, 1);
            case 0x86: return make(object::kind::tuple, 2);
            case 0x87: return make(object::kind::tuple, 3);
            case 'Q': return make(object::kind::persistent, 1);
            case 'a': return append(1);
            case 'e': return append(marked());
            case 's': return set_items(2);
            case 'u': return set_items(marked());
            case 'R': return reduce();
            case 0x81: return instance();
            case 0x92: return static_cast<void>(pop()), instance();  // by name are arguments, too
            case '0': return static_cast<void>(pop());
            case '1': return stack_.resize(stack_.size() - marked());
            case 'b': return build();
            case 'q': return put(from_.number<std::uint8_t>());
            case 'r': return put(from_.number<std::uint32_t>());
            case 0x94: return put(static_cast<std::uint32_t>(memo_.size()));
            case 'h': return fetch(from_.number<std::uint8_t>());
            case 'j': return fetch(from_.number<std::uint32_t>());
            default: break;
        }
        constexpr std::string_view digits = "0123456789abcdef";
        refuse(std::string("has the opcode 0x") + digits[opcode >> 4] + digits[opcode & 15] +
               ", which state dicts do not use");
    }

    /// Counts what takes memory.
    void spend(std::size_t parts) {
        if (parts > max_parts - spent_) {
            refuse("has more than " + std::to_string(max_parts) + " parts");
        }
        spent_ += parts;
    }

    void push(const value& v) {
        if (stack_.size() == max_stack) refuse("stacks more than a million values");
        stack_.push_back(v);
    }

    /// Values above the last mark.
    std::size_t available() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

    value pop() {
        if (available() == 0) refuse("takes a value from an empty stack");
        const value v = stack_.back();
        stack_.pop_back();
        return v;
    }

    void mark() {
        if (marks_.size() == max_marks) refuse("nests deeper than 64 marks");
        marks_.push_back(stack_.size());
    }

    /// Takes the last mark away; how many values stood above it.
    std::size_t marked() {
        if (marks_.empty()) refuse("uses a mark that it has not set");
        const std::size_t count = stack_.size() - marks_.back();
        marks_.pop_back();
        return count;
    }

    /// The last `count` values leave the stack.
    growing<value> take(std::size_t count) {
        if (available() < count) refuse("takes a value from an empty stack");
        spend(count);
        const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
        growing<value> items(first, stack_.end());
        stack_.erase(first, stack_.end());
        return items;
    }

    void make(object::kind which, std::size_t count) { make({which, 0, take(count)}); }

    void make(object made) {
        spend(1);
        push({kind::object, static_cast<std::int64_t>(result_.objects.size())});
        result_.objects.push_back(std::move(made));
    }

    bool opaque_on_top() const { return available() > 0 && stack_.back().which == kind::opaque; }

    /// The container of that kind on top of the stack.
    object& top(object::kind wanted, const char* use) {
        if (available() > 0 && stack_.back().which == kind::object) {
            auto& found = result_.objects[static_cast<std::size_t>(stack_.back().number)];
            if (found.which == wanted) return found;
        }
        refuse(use);
    }

    void append(std::size_t count) {
        const auto items = take(count);
        if (opaque_on_top()) return;
        auto& list = top(object::kind::list, "appends to what is no list").items;
        list.append(items.data(), items.size());
    }

    void set_items(std::size_t count) {
        const auto items = take(count);
        if (count % 2 != 0) refuse("sets a key without a value");
        if (opaque_on_top()) return;
        auto& dict = top(object::kind::dict, "sets an item of what is no dict").items;
        dict.append(items.data(), items.size());
    }

    /// Two's complement of 0 to 8 bytes; a longer one is more than anything here counts.
    [[gnu::cold]] value long_integer(std::size_t length) {
        const auto bytes = from_.take(length);
        if (length > 8) return {kind::opaque, 0, "int"};
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            bits |= std::uint64_t(bytes[i]) << 8 * i;
        }
        if (length == 0) return {kind::integer, 0};
        const unsigned unused = 64 - 8u * static_cast<unsigned>(length);
        return {kind::integer, static_cast<std::int64_t>(bits << unused) >> unused};
    }

    /// Passes over bytes that no state dict is read from. What they are stays opaque.
    void skip(std::uint64_t length, std::string_view type) {
        from_.take(length);
        push({kind::opaque, 0, type});
    }

    /// Opcodes from here on come in one piece of that length, which says nothing about them.
    [[gnu::cold]] void frame() {
        if (from_.number<std::uint64_t>() > from_.left()) refuse("has a frame that ends after it");
    }

    [[gnu::cold]] void add_to_set() {
        take(marked());
        if (!opaque_on_top()) refuse("adds to what is no set");
    }

    /// The value of a name that is known, or nothing.
    [[gnu::cold]] std::optional<value> known(std::string_view module, std::string_view name) const {
        if (module == "collections" && name == "OrderedDict") return value{kind::ordered_dict};
        for (std::size_t i = 0; i < globals_.size(); ++i) {
            if (globals_[i].module == module && globals_[i].name == name) {
                return value{kind::global, static_cast<std::int64_t>(i)};
            }
        }
        return std::nullopt;
    }

    [[gnu::cold]] void global() {
        const auto module = from_.line(), name = from_.line();
        if (const auto found = known(module, name)) return push(*found);
        push({kind::opaque, 0, std::string_view(module.data(), module.size() + 1 + name.size())});
    }

    /// The same with both names from the stack, as protocol 4 writes it.
    [[gnu::cold]] void stacked_global() {
        const value name = pop(), module = pop();
        if (name.which != kind::text || module.which != kind::text) {
            refuse("names a global by what is no text");
        }
        if (const auto found = known(module.text, name.text)) return push(*found);
        spend(1 + (module.text.size() + name.text.size()) / 64);
        result_.names.push_front(std::string(module.text) + '\n' + std::string(name.text));
        push({kind::opaque, 0, result_.names.front()});
    }

    [[gnu::cold]] void reduce() {
        const value arguments = pop(), callee = pop();
        const object* tuple = result_.as(object::kind::tuple, arguments);
        if (!tuple) refuse("calls with what is no tuple");
        if (const auto unknown = class_of(callee)) return push(*unknown);
        if (callee.which == kind::ordered_dict) return make(ordered_dict(*tuple));
        if (callee.which != kind::global) refuse("calls what is no function");
        spend(tuple->items.size());
        make({object::kind::call, callee.number, tuple->items});
    }

    /// OrderedDict() or, as Python 2 wrote it, OrderedDict([[key, value], ...]).
    [[gnu::cold]] object ordered_dict(const object& arguments) {
        object dict{object::kind::dict};
        if (arguments.items.empty()) return dict;
        const object* pairs = result_.as(object::kind::list, arguments.items.front());
        if (!pairs || arguments.items.size() != 1) refuse("makes an OrderedDict of no list");
        for (const value& item : pairs->items) {
            const object* pair = result_.as(object::kind::list, item);
            if (!pair) pair = result_.as(object::kind::tuple, item);
            if (!pair || pair->items.size() != 2) refuse("makes an OrderedDict of no pairs");
            spend(2);
            dict.items.append(pair->items.data(), pair->items.size());
        }
        return dict;
    }

    /// The instance of a class, before it has its state. A list or dict of a class that is known is
    /// made by a call.
    [[gnu::cold]] void instance() {
        const value arguments = pop(), callee = pop();
        if (!result_.as(object::kind::tuple, arguments)) refuse("calls with what is no tuple");
        const auto unknown = class_of(callee);
        if (!unknown) refuse("makes an instance of what is no class");
        push(*unknown);
    }

    /// What is called, if that is opaque: itself or, as torch wrote a module's class once, the
    /// second part of a persistent tuple.
    [[gnu::cold]] std::optional<value> class_of(const value& callee) const {
        if (callee.which == kind::opaque) return callee;
        const object* id = result_.as(object::kind::persistent, callee);
        const object* parts = id ? result_.as(object::kind::tuple, id->items.front()) : nullptr;
        if (parts && parts->items.size() > 1 && parts->items[1].which == kind::opaque) {
            return parts->items[1];
        }
        return std::nullopt;
    }

    /// Attributes of a dict (torch's `_metadata`) say nothing about its items, and those of what is
    /// opaque are nobody's: they are dropped.
    void build() {
        const value state = pop();
        if (opaque_on_top()) return;
        if (!result_.as(object::kind::dict, state)) refuse("sets attributes from what is no dict");
        top(object::kind::dict, "sets attributes of what is no dict");
    }

    [[gnu::cold]] void put(std::uint32_t slot) {
        if (available() == 0) refuse("remembers a value of an empty stack");
        spend(1);
        memo_.insert_or_assign(slot, stack_.back());
    }

    [[gnu::cold]] void fetch(std::uint32_t slot) {
        const auto found = memo_.find(slot);
        if (found == memo_.end()) {
            refuse("recalls value " + std::to_string(slot) + ", which it has not remembered");
        }
        push(found->second);
    }

    cursor& from_;
    std::span<const pickle_global> globals_;
    const refusal& refuse_;
    pickle result_;
    growing<value> stack_;
    growing<std::size_t> marks_;
    std::unordered_map<std::uint32_t, value> memo_;
    std::size_t spent_ = 0, at_ = 0;
};

}  // namespace detail

/// Reads the pickle (protocols 2 to 5) that begins at `begin` of the bytes. Time and memory follow from
/// its length; nothing that it names is looked up or run. throws: by `refuse`, with the byte, at
/// any opcode that is not on the closed list and at any misuse of stack, marks or memo. A global
/// that is not in `globals`, and whatever is made of it, becomes an opaque value.
inline pickle read_pickle(std::span<const std::byte> bytes, std::size_t begin,
                          std::span<const pickle_global> globals, const refusal& refuse) {
    detail::cursor from(bytes, begin, refuse);
    return detail::unpickler(from, globals, refuse).read();
}

}  // namespace mpar::io
