// SPDX-License-Identifier: MIT
// Reads the state dicts that PyTorch's torch.save writes, as a zip archive or as the older stream.
// Runs nothing of what they contain; knows no net.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/io/file.hpp>
#include <mpar/io/parse/cursor.hpp>
#include <mpar/io/tensor_file.hpp>
#include <mpar/io/weights/pickle.hpp>
#include <mpar/io/weights/torch_state.hpp>
#include <mpar/io/weights/zip.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpar::io {

namespace detail {

inline constexpr std::string_view zip_magic{"PK\x03\x04", 4};
/// The number 0x1950a86a20f9469cfc6c, pickled: the stream format begins with it.
inline constexpr std::string_view torch_magic{"\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.", 13};

inline std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline bool begins_with(std::span<const std::byte> bytes, std::string_view magic) {
    return text_of(bytes).starts_with(magic);
}
/// How many bytes the magic number takes with its protocol and, from 4 on, its frame; 0: it is not there.
inline std::size_t torch_magic_size(std::span<const std::byte> bytes) {
    constexpr std::size_t protocol = 2, frame = 9;
    if (!begins_with(bytes, "\x80")) return 0;
    for (const std::size_t before : {protocol, protocol + frame}) {
        if (bytes.size() > before && begins_with(bytes.subspan(before), torch_magic)) {
            return before + torch_magic.size();
        }
    }
    return 0;
}

/// What a file of torch.save holds, before it gets an owner.
struct torch_content {
    growing<stored_tensor> tensors;
    growing<std::vector<std::byte>> copies;
};

/// ROOT/data.pkl is the pickle, ROOT/data/KEY the storage called KEY (torch 1.6 and later).
[[gnu::cold]] inline torch_content parse_torch_zip(std::span<const std::byte> file,
                                                   std::string_view key, const refusal& refuse) {
    const growing<zip_entry> entries = read_zip(file, refuse);
    const auto entry = [&](std::string_view name) -> const zip_entry* {
        const auto found =
            std::lower_bound(entries.begin(), entries.end(), name,
                             [](const zip_entry& e, std::string_view n) { return e.name < n; });
        return found == entries.end() || found->name != name ? nullptr : &*found;
    };
    const zip_entry* pickled = nullptr;
    for (const auto& one : entries) {
        if (!one.name.ends_with("/data.pkl")) continue;
        if (pickled) refuse("the zip archive holds more than one data.pkl");
        pickled = &one;
    }
    if (!pickled) refuse("is a zip archive but not PyTorch's: it has no data.pkl");
    const std::string root(pickled->name.substr(0, pickled->name.size() - 8));
    if (const auto* order = entry(root + "byteorder")) {
        if (!begins_with(order->bytes, "little")) refuse("is not in little-endian byte order");
    }

    const pickle content = read_pickle(pickled->bytes, 0, torch_globals, refuse);
    if (content.end != pickled->bytes.size()) refuse("data.pkl goes on after its pickle");
    torch_state state(content, refuse);
    for (auto& storage : state.storages()) {
        const std::string subject = "storage '" + printable(storage.key) + "' ";
        const auto* data = entry(root + "data/" + std::string(storage.key));
        if (!data) refuse(subject + "is not in the archive");
        const auto length = storage.length();
        if (storage.type && (!length || *length != data->bytes.size())) {
            refuse(subject + "has " + std::to_string(data->bytes.size()) + " bytes, expected " +
                   std::to_string(storage.count) + " elements of " + storage.type_name);
        }
        storage.bytes = data->bytes;
    }
    torch_content result;
    result.tensors = state.tensors(key, result.copies, file.size());
    return result;
}

/// Five pickles (magic number, protocol version, system, object, keys of the storages), then for
/// each key the number of elements and the elements.
[[gnu::cold]] inline torch_content parse_torch_stream(std::span<const std::byte> file,
                                                      std::string_view key, const refusal& refuse) {
    const auto version = read_pickle(file, torch_magic_size(file), torch_globals, refuse);
    if (version.top.which != pickle_value::kind::integer || version.top.number != 1001) {
        refuse("has another protocol version than PyTorch's 1001");
    }
    const auto system = read_pickle(file, version.end, torch_globals, refuse);
    if (const auto* dict = system.as(pickle_object::kind::dict, system.top)) {
        for (std::size_t i = 0; i < dict->items.size(); i += 2) {
            if (dict->items[i].is_text("little_endian") && dict->items[i + 1].number != 1) {
                refuse("is not in little-endian byte order");
            }
        }
    } else {
        refuse("does not say which system wrote it");
    }
    const auto content = read_pickle(file, system.end, torch_globals, refuse);
    torch_state state(content, refuse);
    const auto keys = read_pickle(file, content.end, torch_globals, refuse);
    const auto* list = keys.as(pickle_object::kind::list, keys.top);
    if (!list) refuse("has no list of storages");

    cursor from(file, keys.end, refuse);
    for (const auto& id : list->items) {
        torch_storage* storage =
            id.which == pickle_value::kind::text ? state.find(id.text) : nullptr;
        if (!storage) refuse("lists a storage that no tensor has");
        const std::string subject = "storage '" + printable(id.text) + "' ";
        if (storage->bytes.data()) refuse(subject + "occurs twice");
        const auto count = from.number<std::uint64_t>();
        const auto length = storage->length();
        if (!storage->type) {
            refuse(subject + "has elements of type '" + printable(storage->type_name) +
                   "', which is not read");
        }
        if (count != storage->count || !length) {
            refuse(subject + "has " + std::to_string(count) + " elements, expected " +
                   std::to_string(storage->count));
        }
        if (*length > from.left()) {
            refuse(subject + "of " + std::to_string(*length) + " bytes at byte " +
                   std::to_string(from.position()) + " ends after the file, at byte " +
                   std::to_string(file.size()));
        }
        storage->bytes = from.take(*length);
    }
    for (const auto& storage : state.storages()) {
        if (!storage.bytes.data()) {
            refuse("storage '" + printable(storage.key) + "' is not in the file");
        }
    }
    if (from.left() != 0) {
        refuse("goes on after the last storage, at byte " + std::to_string(from.position()));
    }
    torch_content result;
    result.tensors = state.tensors(key, result.copies, file.size());
    return result;
}

}  // namespace detail

/// The tensors of a state dict in a file that has been opened; those that torch did not store in
/// row-major order are put into it. `key`: under which key of a checkpoint the state dict stands,
/// "model.state_dict" under two. "": the file is a state dict, or has one, or one of those it has is
/// called "state_dict", "model_state_dict", "model", "net", "network" or "module", or by two of these.
/// What stands beside it is passed over.
/// throws: error of the file's kind, with what is wrong, at anything else in the state dict than
/// tensors; at opcodes that are not read; at storages or windows into them that are not there; when
/// there is no state dict, or several and none is plain.
inline tensor_file read_pth(mapped_file file, std::string_view key = {}) {
    const refusal refuse = file.refuse();
    detail::torch_content content;
    if (detail::begins_with(file.bytes(), detail::zip_magic)) {
        content = detail::parse_torch_zip(file.bytes(), key, refuse);
    } else if (detail::torch_magic_size(file.bytes()) > 0) {
        content = detail::parse_torch_stream(file.bytes(), key, refuse);
    } else {
        refuse(
            "is no file of torch.save: it begins with neither a zip archive nor its magic number");
    }
    return tensor_file(std::move(file), std::move(content.tensors), std::move(content.copies));
}

/// The tensors of the file `path`. throws: error(fault::model), as above or when it cannot be
/// opened.
inline tensor_file read_pth(const std::string& path, std::string_view key = {}) {
    return read_pth(mapped_file(path, fault::model), key);
}

}  // namespace mpar::io
