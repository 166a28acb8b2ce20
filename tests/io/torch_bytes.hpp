// SPDX-License-Identifier: MIT
// Pickles, zip archives and files of torch.save put together byte by byte. Knows nothing of mpar.
#pragma once

#include "io/files.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace io_test {

using strings = std::vector<std::string>;
using integers = std::vector<std::int64_t>;

// Opcodes, each leaving one value on the stack.

inline const std::string none = "N", yes = "\x88", no = "\x89", empty_tuple = ")";

inline std::string text(const std::string& value) {
    std::string all = "X";  // in one expression gcc 12 warns of an overlap that is not there
    all += le<std::uint32_t>(static_cast<std::uint32_t>(value.size()));
    return all += value;
}

/// A short text as protocol 4 writes it.
inline std::string brief(const std::string& value) {
    return "\x8c" + std::string(1, static_cast<char>(value.size())) + value;
}

inline std::string integer(std::int64_t value) {
    if (value == static_cast<std::int32_t>(value)) return "J" + le(value, 4);
    return "\x8a\x08" + le(value);
}

inline std::string global(const std::string& module, const std::string& name) {
    return "c" + module + "\n" + name + "\n";
}

/// The same as protocol 4 writes it: both names come from the stack.
inline std::string stacked_global(const std::string& module, const std::string& name) {
    return brief(module) + brief(name) + "\x93";
}

inline std::string joined(const strings& parts) {
    std::string all;
    for (const auto& part : parts) all += part;
    return all;
}

inline std::string tuple(const strings& parts) { return "(" + joined(parts) + "t"; }
inline std::string list(const strings& parts) { return "](" + joined(parts) + "e"; }

inline std::string tuple(const integers& numbers) {
    strings parts;
    for (const auto number : numbers) parts.push_back(integer(number));
    return tuple(parts);
}

inline const std::string ordered_dict = global("collections", "OrderedDict") + ")R";

/// An OrderedDict of text keys.
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string all = ordered_dict + "(";
    for (const auto& [key, value] : entries) all += text(key) + value;
    return all + "u";
}

inline std::string storage(const std::string& type, const std::string& key, std::int64_t count) {
    return tuple(strings{text("storage"), global("torch", type), text(key), text("cpu"),
                         integer(count)}) +
           "Q";
}

inline std::string tensor(const std::string& storage, std::int64_t offset, const integers& shape,
                          const integers& strides) {
    return global("torch._utils", "_rebuild_tensor_v2") +
           tuple(
               strings{storage, integer(offset), tuple(shape), tuple(strides), no, ordered_dict}) +
           "R";
}

/// A whole pickle of that value.
inline std::string pickled(const std::string& value) { return "\x80\x02" + value + "."; }

/// One stored file of an archive; the last three say how to lie about it.
struct packed_file {
    std::string name, bytes;
    int method = 0, flags = 0;
    std::int64_t size = -1;  ///< in the directory, where it is not that of `bytes`
};

/// A zip archive; in zip64 all sizes and places stand in 64-bit fields.
inline std::string zip(const std::vector<packed_file>& files, bool zip64 = false) {
    const auto u16 = [](std::size_t n) { return le<std::uint16_t>(static_cast<std::uint16_t>(n)); };
    const auto u32 = [](std::size_t n) { return le<std::uint32_t>(static_cast<std::uint32_t>(n)); };
    const auto u64 = [](std::size_t n) { return le<std::uint64_t>(n); };
    std::string all, directory;
    for (const auto& file : files) {
        const std::size_t size =
            file.size < 0 ? file.bytes.size() : static_cast<std::size_t>(file.size);
        const bool follows = (file.flags & 8) != 0;  // sizes stand after the data
        const std::string about = u16(static_cast<std::size_t>(file.flags)) +
                                  u16(static_cast<std::size_t>(file.method)) + u32(0) + u32(0);
        const std::string wide = u16(1) + u16(24) + u64(size) + u64(size) + u64(all.size());
        directory += "PK\1\2" + u16(20) + u16(20) + about +
                     (zip64 ? u32(0xffffffff) + u32(0xffffffff) : u32(size) + u32(size)) +
                     u16(file.name.size()) + u16(zip64 ? wide.size() : 0) + u16(0) + u16(0) +
                     u16(0) + u32(0) + (zip64 ? u32(0xffffffff) : u32(all.size())) + file.name +
                     (zip64 ? wide : "");
        const std::string padding = u16(0x4246) + u16(3) + "ZZZ";
        all += "PK\3\4" + u16(20) + about + u32(follows ? 0 : size) + u32(follows ? 0 : size) +
               u16(file.name.size()) + u16(padding.size()) + file.name + padding + file.bytes;
        if (follows) all += "PK\7\b" + u32(0) + u32(size) + u32(size);
    }
    const std::size_t begin = all.size();
    all += directory;
    if (zip64) {
        const std::size_t end = all.size();
        all += "PK\6\6" + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(files.size()) +
               u64(files.size()) + u64(directory.size()) + u64(begin);
        all += "PK\6\7" + u32(0) + u64(end) + u32(1);
    }
    const std::size_t count = zip64 ? 0xffff : files.size();
    all += "PK\5\6" + u16(0) + u16(0) + u16(count) + u16(count) +
           u32(zip64 ? 0xffffffff : directory.size()) + u32(zip64 ? 0xffffffff : begin) + u16(0);
    return all;
}

/// A storage's key and the bytes of its elements.
struct stored_run {
    std::string key, bytes;
    std::int64_t count = 0;  ///< elements, for the stream format
};

/// What torch.save writes since 1.6.
inline std::string torch_zip(const std::string& value, const std::vector<stored_run>& runs) {
    std::vector<packed_file> files{{"archive/data.pkl", pickled(value)}};
    for (const auto& run : runs) files.push_back({"archive/data/" + run.key, run.bytes});
    files.push_back({"archive/version", "3\n"});
    return zip(files);
}

inline const std::string stream_head =
    pickled("\x8a\x0a" + std::string("l\xfc\x9c\x46\xf9 j\xa8P\x19")) + pickled("M\xe9\x03");

inline std::string system_pickle(const std::string& little_endian = yes) {
    return pickled("}(" + text("protocol_version") + "M\xe9\x03" + text("little_endian") +
                   little_endian + text("type_sizes") + "}(" + text("int") + "K\x04uu");
}

/// What torch.save wrote before.
inline std::string torch_stream(const std::string& value, const std::vector<stored_run>& runs) {
    strings keys;
    std::string data;
    for (const auto& run : runs) {
        keys.push_back(text(run.key));
        data += le(run.count) + run.bytes;
    }
    return stream_head + system_pickle() + pickled(value) + pickled(list(keys)) + data;
}

}  // namespace io_test
