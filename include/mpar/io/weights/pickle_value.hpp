// SPDX-License-Identifier: MIT
// What a Python pickle says, as values: texts, numbers, containers, and what is not known. Knows no
// opcode.
#pragma once

#include <mpar/core/growing.hpp>

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <string>
#include <string_view>

namespace mpar::io {

/// What a pickle may name; it becomes a number, its place in the list given to read_pickle.
struct pickle_global {
    std::string_view module, name;
};

/// One value of a pickle: small ones whole, the others by their number in pickle::objects.
struct pickle_value {
    enum class kind {
        none,
        boolean,       ///< number: 0 or 1
        integer,       ///< number
        real,          ///< text: the 8 bytes of a big-endian double
        text,          ///< text: in the pickle's own bytes
        global,        ///< number: place in the list of globals
        ordered_dict,  ///< the class collections.OrderedDict itself
        object,        ///< number: place in pickle::objects
        opaque,        ///< text: module and name, a line each, of a global that is not in the list;
                       ///< also what would come of calling it, or be an instance of it
    };

    kind which = kind::none;
    std::int64_t number = 0;
    std::string_view text = {};

    bool is_text(std::string_view wanted) const { return which == kind::text && text == wanted; }

    /// "torch.nn.modules.conv.Conv2d" of an opaque value.
    [[gnu::cold]] std::string class_name() const {
        std::string name(text);
        const auto end = name.find('\n');
        if (end != std::string::npos) name[end] = '.';
        return name;
    }
};

/// A value that has parts.
struct pickle_object {
    enum class kind {
        tuple,
        list,
        dict,        ///< items: key, value, key, value ...
        call,        ///< callee applied to items; what it means is the caller's affair
        persistent,  ///< items: the one value that names a thing outside the pickle
    };

    kind which = kind::tuple;
    std::int64_t callee = 0;
    growing<pickle_value> items = {};
};

/// What a pickle says. Its texts lie in the bytes that it was read from, or in `names`.
struct pickle {
    pickle_value top;
    growing<pickle_object> objects;
    std::forward_list<std::string> names;  ///< of opaque values that are written in two pieces
    std::size_t end = 0;                   ///< the byte after its last

    /// The object that `value` is, if it is one of that kind; else nullptr.
    const pickle_object* as(pickle_object::kind wanted, const pickle_value& value) const {
        if (value.which != pickle_value::kind::object) return nullptr;
        const auto& object = objects[static_cast<std::size_t>(value.number)];
        return object.which == wanted ? &object : nullptr;
    }
};

}  // namespace mpar::io
